// Live updates: the socket first, polling over the same numbers while it stays down. Nothing is shown twice or missed:
// every event has a number, what is older than the last one is dropped, and a hole is filled by asking again.
import * as clock from './clock.js';
import { get } from './api.js';
import { settings } from './settings.js';

const PING_MS = 20_000;
const PONG_MS = 8_000;
const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;
const POLL_MS = { visible: 10_000, hidden: 30_000, longest: 60_000 };
const FAILURES_BEFORE_POLLING = 3;
const SIGNED_OUT = 4401;

/**
 * Keep in touch with the server.
 *
 * `onEvent(event)` gets each event once and in order, `onState(state, lastContact)` one of live, connecting, polling,
 * unreachable, offline, signed-out. `resync()` fetches the open view anew.
 */
export class Live {
  constructor({ onEvent, onState, resync, path = '/ws/events/' }) {
    Object.assign(this, { onEvent, onState, resync, path });
    this.protocols = settings.token ? ['events.v1', `knox.${settings.token}`] : ['events.v1'];
    this.seq = null;
    this.state = 'connecting';
    this.failures = 0;
    this.contact = clock.now();
  }

  start() {
    addEventListener('online', () => this.wake());
    addEventListener('offline', () => this.becomeOffline());
    document.addEventListener('visibilitychange', () => document.hidden || this.wake());
    this.open();
  }

  /** Whether a write may be tried. */
  get usable() {
    return ['live', 'connecting', 'polling'].includes(this.state);
  }

  set(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state, this.contact);
  }

  open() {
    clearTimeout(this.retry);
    if (!navigator.onLine) return this.becomeOffline();
    const after = this.seq === null ? '' : `?after=${this.seq}`;
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}${after}`, this.protocols);
    this.socket = socket;
    socket.onmessage = message => socket === this.socket && this.hear(JSON.parse(message.data));
    socket.onclose = event => socket === this.socket && this.lost(event.code);
    return undefined;
  }

  hear(message) {
    this.contact = clock.now();
    if (message.type === 'pong') return this.ponged(message);
    if (message.type === 'connected') return this.connected(message);
    if (message.seq !== undefined) this.take(message);
    return undefined;
  }

  connected(message) {
    this.failures = 0;
    this.polling = false;
    clearTimeout(this.poll);
    clock.forget();
    // Numbers between ours and the oldest kept are gone: only a fresh view can tell what they said.
    const gone = this.seq !== null && this.seq + 1 < message.oldest_seq;
    const first = this.seq === null;
    if (first || gone || this.seq > message.last_seq) this.seq = message.last_seq;
    this.ping();
    this.set('live');
    if (first || gone || this.stale) this.refetch();
  }

  /** One event: in turn it is told, older ones are dropped, after a hole we ask for what is missing. */
  take(event) {
    if (this.seq !== null && event.seq <= this.seq) return;
    if (this.seq !== null && event.seq > this.seq + 1) {
      this.send({ type: 'resume', after: this.seq });
      this.refetch();
      return;
    }
    this.seq = event.seq;
    this.onEvent(event);
    clearTimeout(this.acking);
    this.acking = setTimeout(() => this.send({ type: 'ack', seq: this.seq }), 300);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  ping() {
    clearTimeout(this.pinging);
    clearTimeout(this.silence);
    this.sent = performance.now();
    this.send({ type: 'ping', t: this.sent });
    this.silence = setTimeout(() => this.abandon(), PONG_MS);
  }

  ponged(message) {
    if (message.t !== this.sent) return;
    clearTimeout(this.silence);
    clock.learn(message.t, message.server_time);
    this.pinging = setTimeout(() => this.ping(), PING_MS);
  }

  /** No pong came: the connection is dead, whatever the browser believes. */
  abandon() {
    const dead = this.socket;
    this.lost(1006);
    dead?.close();
  }

  lost(code) {
    this.socket = null;
    clearTimeout(this.pinging);
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    if (code === SIGNED_OUT) {
      clearTimeout(this.poll);
      this.set('signed-out');
      return;
    }
    this.stale = true;
    this.failures += 1;
    if (this.failures >= FAILURES_BEFORE_POLLING) this.startPolling();
    else if (navigator.onLine) this.set('connecting');
    const ceiling = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** this.failures);
    this.retry = setTimeout(() => this.open(), Math.random() * ceiling);
  }

  startPolling() {
    if (this.polling) return;
    this.polling = true;
    const round = async wait => {
      if (this.state === 'live' || this.state === 'signed-out') {
        this.polling = false;
        return;
      }
      const ok = navigator.onLine && (await this.pollOnce());
      const usual = document.hidden ? POLL_MS.hidden : POLL_MS.visible;
      const next = ok ? usual : Math.min(wait * 2, POLL_MS.longest);
      this.poll = setTimeout(() => round(next), next);
      if (this.state === 'live') this.polling = false;
    };
    round(POLL_MS.visible);
  }

  async pollOnce() {
    try {
      const sent = performance.now();
      const after = this.seq === null ? '' : `&after=${this.seq}`;
      const page = await get(`/api/scheduling/notifications/?limit=200${after}`);
      clock.learn(sent, page.server_time);
      this.contact = clock.now();
      if (this.state !== 'live') this.set('polling');
      if (this.seq === null) {
        this.seq = page.last_seq;
        this.refetch();
      } else page.results.forEach(event => this.take(event));
      return true;
    } catch (error) {
      if (error.status === 401 || error.status === 403) this.set('signed-out');
      else if (this.state !== 'live') this.set(navigator.onLine ? 'unreachable' : 'offline');
      return false;
    }
  }

  refetch() {
    this.stale = false;
    Promise.resolve(this.resync()).catch(() => {
      this.stale = true;
    });
  }

  becomeOffline() {
    if (this.state !== 'signed-out') this.set('offline');
  }

  /** The computer slept, or the network is back. */
  wake() {
    if (this.state === 'signed-out') return;
    clock.forget();
    if (this.socket?.readyState === WebSocket.OPEN) {
      if (this.state === 'offline') this.set('live');
      this.ping();
      this.refetch();
    } else if (!this.socket || this.socket.readyState > WebSocket.OPEN) {
      if (this.state === 'offline') this.set('connecting');
      this.open();
    }
  }
}
