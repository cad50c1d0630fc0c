// The simulated day: the same API that everybody uses, by the accounts of the demo clinic. Whoever acts first wins.
import { byId } from './dom.js';
import { t } from './i18n.js';

const PASSWORD = 'demo';
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS_APART = 24;
const tokens = new Map();
const csrf = document.querySelector('[name=csrfmiddlewaretoken]').value;
const day = { visit: null, refused: null, waits: null, played: 0, next: 0, elapsed: 0, playing: false, running: false, timer: 0 };

async function call(who, path, body, method = body ? 'POST' : 'GET') {
  if (!tokens.has(who)) {
    const login = await fetch('/api/auth/login/', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: who, password: PASSWORD }),
    });
    if (!login.ok) throw new Error(`${who}: ${login.status}`);
    tokens.set(who, await login.json());
  }
  const answer = await fetch(`/api/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Token ${tokens.get(who).token}` },
    body: body && JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.errors?.[0]?.detail ?? answer.status);
  return found;
}

const idOf = async who => {
  if (!tokens.has(who)) await call(who, 'scheduling/notifications/?limit=1');
  return tokens.get(who).user.id;
};
/** A start of its own for each day that is played, past the seeded ones. */
const quietTime = days => {
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + day.played * HOUR_MS;
  return new Date(hour + (3 + days) * DAY_MS).toISOString();
};

async function book() {
  day.visit = (await call('patient', 'scheduling/appointments/', { start: quietTime(0), notes: 'Simulated day' })).id;
}

async function assign() {
  await call('operator', `scheduling/appointments/${day.visit}/assign/`, { therapist: await idOf('therapist') });
  const short = await fetch(`/demo/shorten/${day.visit}/`, { method: 'POST', headers: { 'X-CSRFToken': csrf } });
  if (!short.ok) throw new Error(String(short.status));
  // The clock was moved behind the pages' backs; a change that is told brings them up to date.
  await call('operator', `scheduling/appointments/${day.visit}/`, { reason_for_visit: t('Simulated day') }, 'PATCH');
}

async function refuse() {
  const made = await call('operator', 'scheduling/appointments/', {
    patient: await idOf('patient2'),
    therapist: await idOf('therapist2'),
    start: quietTime(1),
  });
  day.refused = made.id;
  await call('therapist2', `scheduling/appointments/${day.refused}/reject/`, {
    rejection_reason: 'Double-booked with a home visit across town',
  });
}

async function reinstate() {
  await call('operator', `scheduling/therapists/${await idOf('therapist')}/enable/`, { restore_appointments: [day.visit] });
  document.querySelector('[data-testid=pane-therapist]').contentWindow.location.reload(); // the old token is gone
}

async function offerPlace() {
  const date = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
  const wish = { preferred_date: date, therapist: await idOf('therapist3') };
  day.waits = (await call('patient', 'appointments/waiting-list/', wish)).id;
  await call('operator', `appointments/waiting-list/${day.waits}/notify/`, {});
}

async function tidy() {
  if (day.waits) await call('patient', `appointments/waiting-list/${day.waits}/deactivate/`, {});
}

const EVENTS = '/api/asyncapi.json';
const operation = (name, tag = 'appointments') => `/api/docs/#/${tag}/${name}`;
// From which second, what is done, what it means, and where it is documented.
const STEPS = [
  [
    0,
    book,
    t('A patient books without naming a therapist. Every free therapist sees the open request.'),
    operation('scheduling_appointments_create'),
  ],
  [
    5,
    assign,
    t('The operator assigns it: the therapist has 60 seconds. The countdown runs on the server’s clock.'),
    operation('scheduling_appointments_assign_create'),
  ],
  [
    15,
    refuse,
    t('Another therapist rejects with a reason: it waits in Pending reviews.'),
    operation('scheduling_appointments_reject_create'),
  ],
  [45, () => {}, t('Twenty seconds left: the row turns amber and the therapist is warned.'), EVENTS],
  [
    66,
    () => {},
    t('No answer: cancelled at its deadline, to the second. The therapist is suspended, and everyone is told.'),
    operation('scheduling_appointments_auto_cancel_overdue_create'),
  ],
  [
    75,
    reinstate,
    t('The operator reinstates the therapist and brings the appointment back with a fresh clock.'),
    operation('scheduling_therapists_enable_create', 'therapists'),
  ],
  [
    80,
    offerPlace,
    t('The patient waits for an earlier place, and one is held for them: their page shows until when.'),
    operation('appointments_waiting_list_notify_create', 'waiting-list'),
  ],
  [88, tidy, t('That was the day. In a clinic these settings make its times what they are:'), null],
];

function explain([, , text, documentation], problem = '') {
  byId('caption-text').textContent = text + problem;
  byId('caption-link').hidden = !documentation;
  byId('caption-link').href = documentation ?? '';
  byId('closing').hidden = documentation !== null;
}

async function step() {
  const current = STEPS[day.next];
  day.next += 1;
  day.elapsed = Math.max(day.elapsed, current[0]);
  explain(current);
  try {
    await current[1]();
  } catch (error) {
    explain(current, ` ${t('(Somebody was faster: {why})', { why: error.message })}`);
  }
  if (day.next === STEPS.length) finish();
}

function finish() {
  clearInterval(day.timer);
  Object.assign(day, { playing: false, running: false, next: 0, elapsed: 0 });
  byId('day-start').disabled = false;
  byId('day-pause').disabled = true;
}

let working = false;

/** One step; while it is under way there is no second. */
async function play() {
  if (working) return;
  working = true;
  byId('day-step').disabled = true;
  await step();
  working = false;
  byId('day-step').disabled = !day.playing;
}

function tick() {
  if (!day.running || working) return;
  day.elapsed += 1;
  if (day.elapsed >= STEPS[day.next][0]) play();
}

byId('day-start').addEventListener('click', () => {
  const played = (Number(localStorage.getItem('days-played')) + 1) % DAYS_APART;
  localStorage.setItem('days-played', String(played));
  Object.assign(day, { playing: true, running: true, next: 0, elapsed: -1, played });
  byId('day-pause').textContent = t('Pause');
  byId('day-start').disabled = true;
  byId('day-pause').disabled = false;
  day.timer = setInterval(tick, 1000);
});
byId('day-pause').addEventListener('click', event => {
  day.running = !day.running;
  event.target.textContent = day.running ? t('Pause') : t('Go on');
});
byId('day-step').addEventListener('click', play);
