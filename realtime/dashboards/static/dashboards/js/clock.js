// The server's clock on a monotonic base: it counts no ticks and ignores changes of this computer's clock.
import { settings } from './settings.js';

const BEST_OF = 8;
let samples = [];
let offset = Date.parse(settings.server_time) - performance.now();
const listeners = new Set();

/** Milliseconds since 1970 on the server. */
export const now = () => performance.now() + offset;

/** Learn from an answer: `sent` is performance.now() at the request. The shortest round trip of the last ones counts. */
export function learn(sent, serverTime) {
  const received = performance.now();
  samples = [
    ...samples.slice(1 - BEST_OF),
    { trip: received - sent, offset: Date.parse(serverTime) - (sent + received) / 2 },
  ];
  offset = samples.reduce((best, one) => (one.trip < best.trip ? one : best)).offset;
}

/** After sleep or a lost connection old samples mean nothing. */
export function forget() {
  samples = [];
}

/** Call at every whole second of the server. */
export function onTick(listener) {
  listeners.add(listener);
}

function tick() {
  const time = now();
  for (const listener of listeners) listener(time);
  setTimeout(tick, 1000 - (now() % 1000) + 5);
}
setTimeout(tick, 0);
