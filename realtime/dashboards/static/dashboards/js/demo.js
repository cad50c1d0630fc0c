// The simulated day: the same API that everybody uses, by the accounts of the demo clinic. Whoever acts first wins.
import { byId } from './dom.js';
import { t } from './i18n.js';

const PASSWORD = 'demo';
const DAY_MS = 86_400_000;
const tokens = new Map();
const csrf = document.querySelector('[name=csrfmiddlewaretoken]').value;
const day = { visit: null, refused: null, next: 0, elapsed: 0, running: false, timer: null };

async function call(who, path, body) {
  if (!tokens.has(who)) {
    const login = await fetch('/api/auth/login/', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: who, password: PASSWORD }),
    });
    if (!login.ok) throw new Error(`${who}: ${login.status}`);
    tokens.set(who, await login.json());
  }
  const answer = await fetch(`/api/scheduling/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'Content-Type': 'application/json', Authorization: `Token ${tokens.get(who).token}` },
    body: body && JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.errors?.[0]?.detail ?? answer.status);
  return found;
}

const idOf = async who => {
  if (!tokens.has(who)) await call(who, 'notifications/?limit=1');
  return tokens.get(who).user.id;
};
/** A start of its own for each day that is played, at night, where nothing else lies. */
const quietTime = offset => new Date(Math.floor(Date.now() / 60_000) * 60_000 + (3 + offset) * DAY_MS).toISOString();

async function book() {
  day.visit = (await call('patient', 'appointments/', { start: quietTime(0), notes: 'Simulated day' })).id;
}

async function assign() {
  await call('operator', `appointments/${day.visit}/assign/`, { therapist: await idOf('therapist') });
  const short = await fetch(`/demo/shorten/${day.visit}/`, { method: 'POST', headers: { 'X-CSRFToken': csrf } });
  if (!short.ok) throw new Error(String(short.status));
}

async function refuse() {
  const made = await call('operator', 'appointments/', {
    patient: await idOf('patient2'),
    therapist: await idOf('therapist2'),
    start: quietTime(1),
  });
  day.refused = made.id;
  await call('therapist2', `appointments/${day.refused}/reject/`, {
    rejection_reason: 'Double-booked with a home visit across town',
  });
}

async function reinstate() {
  await call('operator', `therapists/${await idOf('therapist')}/enable/`, { restore_appointments: [day.visit] });
  document.querySelector('[data-testid=pane-therapist]').contentWindow.location.reload(); // the old token is gone
}

const STEPS = [
  [0, book, t('A patient books without naming a therapist. Every free therapist sees the open request.')],
  [5, assign, t('The operator assigns it: the therapist has 60 seconds. The countdown runs on the server’s clock.')],
  [15, refuse, t('Another therapist rejects with a reason: it waits in Pending reviews.')],
  [45, () => {}, t('Twenty seconds left: the row turns amber and the therapist is warned.')],
  [
    66,
    () => {},
    t('No answer: cancelled at its deadline, to the second. The therapist is suspended, and everyone is told.'),
  ],
  [75, reinstate, t('The operator reinstates the therapist and brings the appointment back with a fresh clock.')],
  [
    80,
    () => {},
    t(
      'That was the day. DEFAULT_RESPONSE_TIMEOUT_MINUTES makes it 30 minutes, DEADLINE_WARNING_MINUTES the amber, AUTO_DISABLE_THERAPISTS the suspension.',
    ),
  ],
];

async function step() {
  const current = STEPS[day.next];
  if (!current) return finish();
  day.next += 1;
  day.elapsed = Math.max(day.elapsed, current[0]);
  byId('caption').textContent = current[2];
  try {
    await current[1]();
  } catch (error) {
    byId('caption').textContent = `${current[2]} ${t('(Somebody was faster: {why})', { why: error.message })}`;
  }
  if (day.next === STEPS.length) finish();
  return undefined;
}

function finish() {
  clearInterval(day.timer);
  Object.assign(day, { running: false, next: 0, elapsed: 0 });
  byId('day-start').disabled = false;
  byId('day-pause').disabled = true;
  byId('day-step').disabled = true;
}

let working = false;

async function tick() {
  if (!day.running || working) return;
  day.elapsed += 1;
  if (STEPS[day.next] && day.elapsed >= STEPS[day.next][0]) {
    working = true;
    await step().finally(() => {
      working = false;
    });
  }
}

byId('day-start').addEventListener('click', () => {
  Object.assign(day, { running: true, next: 0, elapsed: -1 });
  byId('day-start').disabled = true;
  byId('day-pause').disabled = false;
  byId('day-step').disabled = false;
  day.timer = setInterval(tick, 1000);
});
byId('day-pause').addEventListener('click', event => {
  day.running = !day.running;
  event.target.textContent = day.running ? t('Pause') : t('Go on');
});
byId('day-step').addEventListener('click', () => {
  if (!working) {
    working = true;
    step().finally(() => {
      working = false;
    });
  }
});
