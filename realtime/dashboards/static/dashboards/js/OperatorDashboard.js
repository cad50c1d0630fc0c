// The operator's page: reviews, deadlines, everything, notifications.
import { byId, h, icon, sync } from './dom.js';
import { longDay, place, t, tn } from './i18n.js';
import { now } from './clock.js';
import {
  attempt,
  goLive,
  isTyping,
  mayReorder,
  moveRow,
  openDetails,
  paintDetails,
  rowInFocus,
  selected,
  watchTime,
} from './board.js';
import { notify, offerNotes } from './desktop.js';
import { toast } from './messages.js';
import { notifications, paintBell } from './notifications.js';
import { archive, loadArchive, searchFor } from './operator/archive.js';
import { onlyOne, paintCounters, phaseInAddress } from './operator/counters.js';
import {
  assign,
  assignAny,
  autoCancel,
  cancel,
  deny,
  extend,
  open as openDialogs,
  reassign,
} from './operator/dialogs.js';
import { refreshBreaker, refreshSuspended, startNotices } from './operator/notices.js';
import { loadWaiting, waitingList } from './operator/waiting.js';
import { preference } from './preferences.js';
import { button, busyButton, empty, group, moreActions, row } from './rows.js';
import {
  fetchAppointment,
  fetchAppointments,
  later,
  reviewRejection,
  state,
  subscribe,
  updateAppointmentStatus,
} from './scheduling.js';
import { settings } from './settings.js';
import { may, number, phase, TIMED } from './statuses.js';
import { tabs } from './tabs.js';

const colleagues = JSON.parse(byId('colleagues').textContent);
const panel = byId('panel');
const TABS = [
  ['reviews', t('Pending reviews')],
  ['timeouts', t('Timeout monitoring')],
  ['all', t('All appointments')],
  ['waiting', t('Waiting list')],
  ['notifications', t('Notifications')],
];
const currentTab = () => {
  const named = new URLSearchParams(location.search).get('tab');
  return TABS.some(([key]) => key === named) ? named : 'timeouts';
};

const currentPhase = () => (currentTab() === 'timeouts' ? phaseInAddress() : null);

function goTo(tab, only = null) {
  const address = new URLSearchParams(location.search);
  address.set('tab', tab);
  if (only) address.set('phase', only);
  else address.delete('phase');
  if (tab === 'waiting') loadWaiting();
  history.pushState(null, '', `?${address}${location.hash}`);
  render(true);
}

const showTabs = tabs(byId('tabs'), panel, TABS, goTo);
const act = (one, action, body, done) =>
  attempt(async () => {
    if (await updateAppointmentStatus(one.id, action, body)) done && toast(done);
  });

const finish = (one, action, words) =>
  attempt(() => later(one.id, `${number(one)}: ${words}`, () => updateAppointmentStatus(one.id, action)));

function actionsOf(one, after = () => {}) {
  const then = run => () => {
    after();
    run();
  };
  const undo = state.undecided.get(one.id);
  if (undo) return [button(t('Undo'), then(undo), '', one)];
  const reviewing = may(one, 'review_rejection');
  const timed = TIMED.includes(phase(one));
  const buttons = [
    reviewing && button(t('Deny rejection…'), then(attempt(() => deny(one))), '', one),
    reviewing &&
      busyButton(
        one,
        'review_rejection',
        [t('Accept rejection'), t('Accepting…')],
        then(attempt(() => acceptRejection(one))),
        'primary',
      ),
    timed &&
      may(one, 'claim') &&
      !one.claimed_by &&
      busyButton(one, 'claim', [t("I'm on it"), t('Claiming…')], then(act(one, 'claim'))),
    !timed &&
      !one.therapist &&
      may(one, 'assign') &&
      button(t('Assign…'), then(attempt(() => assign(one))), 'primary', one),
    timed &&
      may(one, 'reassign') &&
      button(t('Reassign…'), then(attempt(() => reassign(one))), phase(one) === 'overdue' ? 'primary' : '', one),
  ];
  return [...buttons, moreActions(one, furtherActions(one, then, timed))].filter(Boolean);
}

function furtherActions(one, then, timed) {
  return [
    may(one, 'extend') && [
      t('Extend 10 min'),
      then(act(one, 'extend', { minutes: 10 }, t('{number}: 10 more minutes.', { number: number(one) }))),
    ],
    may(one, 'extend') && [t('Extend…'), then(attempt(() => extend(one)))],
    may(one, 'remind') && [
      t('Remind now'),
      then(act(one, 'remind', {}, t('{number}: the offer was sent again.', { number: number(one) }))),
    ],
    !timed &&
      may(one, 'reassign') &&
      phase(one) !== 'unassigned' && [t('Reassign…'), then(attempt(() => reassign(one)))],
    may(one, 'release') && one.claimed_by && [t('No longer on it'), then(act(one, 'release'))],
    may(one, 'unassign') && [
      t('Take back'),
      then(act(one, 'unassign', {}, t('{number} was taken back from its therapist.', { number: number(one) }))),
    ],
    phase(one) === 'overdue' && [t('Auto-cancel…'), then(attempt(autoCancel))],
    may(one, 'complete') && [t('Completed'), then(finish(one, 'complete', t('completed')))],
    may(one, 'no_show') && [t('The patient did not come'), then(finish(one, 'no_show', t('missed')))],
    may(one, 'mark_paid') &&
      !one.is_paid &&
      one.consultation_fee > 0 && [
        t('Mark as paid'),
        then(act(one, 'mark_paid', {}, t('{number} is paid.', { number: number(one) }))),
      ],
    may(one, 'cancel') && [t('Cancel…'), then(attempt(() => cancel([one])))],
  ];
}

async function acceptRejection(one) {
  if (await reviewRejection(one.id, 'accept'))
    toast(t('{number}: rejection accepted. Somebody else is searched.', { number: number(one) }));
}

function factsOf(one) {
  const timed = TIMED.includes(phase(one));
  const warn = timed && !one.offer_read_at && phase(one) !== 'awaiting';
  const who =
    one.claimed_by === settings.user.id
      ? t("You're on it")
      : t('{name} is on it', { name: colleagues[one.claimed_by] ?? t('Somebody') });
  return [
    timed &&
      h(
        'span',
        { className: warn ? 'flag warn' : 'flag' },
        icon(one.offer_read_at ? 'eye' : 'eyeoff'),
        one.offer_read_at ? t('Seen') : t('Not seen yet'),
      ),
    one.claimed_by && h('span', { className: 'flag', dir: 'auto' }, icon('user'), who),
    one.status === 'assigned' && h('span', { className: 'flag' }, t('Rejection denied')),
  ].filter(Boolean);
}

const rowOf = (one, tick) =>
  row(
    one,
    () => ({
      facts: factsOf(one),
      actions: actionsOf(one),
      tick,
      quote: phase(one) === 'rejected' ? one.rejection_reason : null,
      onDetails: shown => openDetails(shown, actionsOf),
    }),
    tick ? `archive${tick.checked}` : '',
  );

const soonest = (a, b) =>
  Date.parse(a.response_deadline ?? a.start) - Date.parse(b.response_deadline ?? b.start) || a.id - b.id;

function inPhases() {
  const found = { overdue: [], due: [], awaiting: [], rejected: [], unassigned: [] };
  for (const one of state.appointments.values()) found[phase(one)]?.push(one);
  for (const rows of Object.values(found)) rows.sort(soonest);
  return found;
}

const conflicted = (...phases) =>
  [...state.appointments.values()].filter(one => state.conflicts.has(one.id) && !phases.includes(phase(one)));

/** The groups of a tab, each with its appointments in order. */
function groupsOf(tab, found) {
  if (tab === 'reviews') return [[t('Pending reviews'), [...conflicted('rejected'), ...found.rejected]]];
  const only = currentPhase();
  return [
    [t('Handled by others'), conflicted('overdue', 'due', 'awaiting', 'unassigned')],
    [t('Overdue'), found.overdue, 'overdue'],
    [t('Due within {n} minutes', { n: settings.warning_minutes }), found.due, 'due'],
    [t('Waiting'), found.awaiting, 'awaiting'],
    [t('Needs a therapist'), found.unassigned, 'unassigned'],
  ].filter(([, , key]) => !only || !key || key === only);
}

const NOTHING = {
  reviews: () => empty(t('Nothing to review.'), t('Rejections appear here the moment a therapist sends one.')),
  timeouts: () => empty(t('No one is waiting.'), t('New assignments show their countdown here.')),
};

const changesBar = h('p', { className: 'changes', hidden: true, role: 'status' });

/** Draw rows where they stand; a line says how many belong elsewhere by now. */
function refreshInPlace(groups) {
  const placed = groups.flatMap(([name, rows]) => rows.map(one => `${name}/${one.id}`));
  const shown = [...panel.querySelectorAll('.row[data-id]')];
  const places = shown.map(node => `${node.closest('ul').getAttribute('aria-label')}/${node.dataset.id}`);
  for (const node of shown) {
    const one = state.appointments.get(Number(node.dataset.id));
    const fresh = one ? rowOf(one) : node;
    if (fresh !== node) node.replaceWith(fresh);
  }
  const n = placed.filter(one => !places.includes(one)).length + places.filter(one => !placed.includes(one)).length;
  changesBar.replaceChildren(
    tn('{n} change', '{n} changes', n),
    button(t('Update list'), () => render(true), 'link'),
  );
  changesBar.hidden = !n;
  panel.prepend(changesBar);
}

const samePlaces = groups => {
  const shown = [...panel.querySelectorAll('.row[data-id]')].map(
    node => `${node.closest('ul').getAttribute('aria-label')}/${node.dataset.id}`,
  );
  return shown.join() === groups.flatMap(([name, rows]) => rows.map(one => `${name}/${one.id}`)).join();
};

/** Draw the open tab. Rows keep their places while somebody has one in hand, unless it was they who moved it. */
function render(forced = false) {
  const found = inPhases();
  const tab = currentTab();
  paintCounters(found, currentPhase(), goTo);
  showTabs(tab, {
    reviews: found.rejected.length,
    timeouts: found.overdue.length + found.due.length,
    notifications: state.unread,
  });
  paintBell();
  panel.setAttribute('aria-busy', String(state.loading));
  if (state.loading) return;
  const own = forced === true || state.acted || panel.dataset.tab !== tab;
  state.acted = false;
  panel.dataset.tab = tab;
  if (state.error && !state.appointments.size) sync(panel, [failed()]);
  else if (tab === 'all') sync(panel, archive(rowOf, render));
  else if (tab === 'waiting') sync(panel, waitingList(render));
  else if (tab === 'notifications') sync(panel, notifications());
  else drawGroups(tab, groupsOf(tab, found), own);
  paintDetails(actionsOf);
}

function drawGroups(tab, groups, own) {
  if (!own && !mayReorder(panel) && !samePlaces(groups)) {
    refreshInPlace(groups);
    return;
  }
  const nodes = groups.flatMap(([name, rows]) =>
    group(
      name,
      rows.map(one => rowOf(one)),
    ),
  );
  const only = currentPhase();
  const nothing = only ? empty(t('Nothing found.'), t('Change the filters or clear them.')) : NOTHING[tab]();
  sync(panel, [...(only ? [onlyOne(only, goTo)] : []), ...(nodes.length ? nodes : [nothing])]);
}

const failed = () =>
  h(
    'p',
    { className: 'alert', role: 'alert' },
    state.error.message,
    ' ',
    button(t('Try again'), () => load().catch(() => {})),
  );

/** What is open: every offer, every rejection, everything without a therapist. */
const load = async () => {
  await fetchAppointments('status=pending,rejected&ordering=response_deadline', one =>
    ['pending', 'rejected'].includes(one.status),
  );
  const wanted = selected();
  if (wanted && !state.appointments.has(wanted)) await fetchAppointment(wanted).catch(() => {});
};

const TOASTS = {
  appointment_accepted: one =>
    t('{therapist} accepted {number}', { therapist: one.therapist_name, number: number(one) }),
  appointment_rejected: one =>
    t('{therapist} rejected {number}', {
      therapist: one.therapist_name ?? one.rejections?.[0]?.therapist_name,
      number: number(one),
    }),
};
let cancelled = 0;

/** One message for all that one sweep cancelled. */
function countCancelled() {
  cancelled += 1;
  clearTimeout(countCancelled.timer);
  countCancelled.timer = setTimeout(() => {
    toast(tn('{n} appointment was auto-cancelled.', '{n} appointments were auto-cancelled.', cancelled));
    cancelled = 0;
  }, 800);
}

function onEvent(event) {
  const one = event.data?.appointment;
  if (one && TOASTS[event.type]) toast(TOASTS[event.type](one));
  if (event.type === 'appointment_auto_cancelled') countCancelled();
  if (event.type.startsWith('therapist_'))
    refreshSuspended()
      .then(refreshBreaker)
      .catch(() => {});
  if (one && openDialogs.has(one.id))
    openDialogs.get(one.id).lock(`${event.message} ${t('What you wrote is kept until you go back.')}`);
  const refreshed = { all: loadArchive, waiting: loadWaiting }[currentTab()];
  if (refreshed) {
    clearTimeout(onEvent.timer);
    onEvent.timer = setTimeout(refreshed, 500);
  }
  if (['appointment_rejected', 'deadline_approaching', 'new_appointment'].includes(event.type)) notify(event);
}

const GO = { r: 'reviews', t: 'timeouts', a: 'all', w: 'waiting', n: 'notifications' };
let leading = false;

function onKey(event) {
  if (isTyping(event) || !preference('shortcuts', true)) return;
  if (leading && GO[event.key]) goTo(GO[event.key]);
  leading = event.key === 'g';
  if (event.key === 'j') moveRow(1);
  if (event.key === 'k') moveRow(-1);
  const one = rowInFocus();
  if (one && event.key === 'c' && may(one, 'claim') && !one.claimed_by) act(one, 'claim')();
  if (one && event.key === 'e' && may(one, 'extend')) act(one, 'extend', { minutes: 10 })();
}

byId('today').textContent = `${longDay(now(), settings.timezone)} · ${place(settings.timezone)}`;
byId('assign').addEventListener('click', attempt(assignAny));
byId('auto-cancel').addEventListener('click', attempt(autoCancel));
byId('bell').addEventListener('click', event => {
  event.preventDefault();
  goTo('notifications');
});
document.querySelector('form.search').addEventListener('submit', event => {
  event.preventDefault();
  if (currentTab() !== 'all') goTo('all');
  searchFor(byId('search').value.trim());
});
document.addEventListener('keydown', onKey);
addEventListener('popstate', () => render(true));
addEventListener('hashchange', () => {
  const id = selected();
  if (id && !state.appointments.has(id)) fetchAppointment(id).catch(error => toast(error.message));
  else render();
});
panel.addEventListener('pointerleave', () => changesBar.hidden || render());
panel.addEventListener('focusout', () => setTimeout(() => changesBar.isConnected && !changesBar.hidden && render(), 0));
subscribe(() => render());
watchTime(() => render());
startNotices();
offerNotes();
render();
goLive({ load, onEvent });
