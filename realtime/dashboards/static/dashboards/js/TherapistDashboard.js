// The therapist's page: requests with their countdown, the schedule, the published time.
import { remove } from './api.js';
import { attempt, goLive, openDetails, selected, watchTime } from './board.js';
import { now } from './clock.js';
import { notify, offerNotes } from './desktop.js';
import { ask, field } from './dialogs.js';
import { byId, h, sync } from './dom.js';
import { longDay, place, t, tn } from './i18n.js';
import { toast } from './messages.js';
import { notifications, paintBell } from './notifications.js';
import { openRejectionModal } from './RejectionModal.js';
import { button, busyButton, empty, list, moreActions, row } from './rows.js';
import {
  changed,
  drop,
  fetchAppointment,
  fetchFirst,
  fetchPage,
  keep,
  later,
  state,
  subscribe,
  updateAppointmentStatus,
} from './scheduling.js';
import { settings } from './settings.js';
import { may, number, phase } from './statuses.js';
import { tabs } from './tabs.js';
import { availability } from './therapist/availability.js';
import { loadSlots, slots } from './therapist/slots.js';

const PAGE = 50;
const panel = byId('panel');
const FILTERS = [
  ['pending', t('Pending')],
  ['accepted', t('Accepted')],
  ['rejected', t('Rejected')],
  ['all', t('All')],
];
const TABS = [
  ['requests', t('Requests')],
  ['upcoming', t('Upcoming')],
  ['missed', t('Missed')],
  ['completed', t('Completed')],
  ['slots', t('Slots')],
  ['notifications', t('Notifications')],
];
const EMPTY = {
  requests: [t('No requests here.'), t('New ones show their countdown the moment they arrive.')],
  upcoming: [t('Nothing is planned.'), t('Accepted appointments appear here.')],
  missed: [t('Nothing was missed.'), ''],
  completed: [t('Nothing is completed yet.'), ''],
};
const parameter = name => new URLSearchParams(location.search).get(name);
const named = (entries, wanted, otherwise) => (entries.some(([key]) => key === wanted) ? wanted : otherwise);
const currentTab = () => named(TABS, parameter('tab'), 'requests');
const currentFilter = () => named(FILTERS, parameter('filter'), 'pending');
const view = { key: '', ids: [], count: 0, shown: PAGE, loading: true, waiting: 0 };

function goTo(changes) {
  const address = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) address.set(name, value);
  history.pushState(null, '', `?${address}`);
  view.shown = PAGE;
  load().catch(() => {});
  render();
}

const showTabs = tabs(byId('tabs'), panel, TABS, tab => goTo({ tab }));
const query = () =>
  currentTab() === 'requests'
    ? `filter=${currentFilter()}&ordering=${currentFilter() === 'pending' ? 'response_deadline' : '-start'}`
    : `tab=${currentTab()}&ordering=${currentTab() === 'upcoming' ? 'start' : '-start'}`;

/** Fetch the open view, and how many requests wait. */
async function load() {
  const key = query();
  if (view.key !== key) Object.assign(view, { key, ids: [], loading: true });
  state.error = null;
  try {
    const elsewhere = { slots: loadSlots, notifications: () => null }[currentTab()];
    const wanted = elsewhere ? elsewhere() : fetchFirst(key, view.shown);
    const [page, pending] = await Promise.all([wanted, fetchPage('filter=pending&page_size=1')]);
    if (view.key !== key) return;
    view.waiting = pending.count;
    page?.results.forEach(keep);
    if (page) Object.assign(view, { ids: page.results.map(one => one.id), count: page.count });
  } catch (error) {
    state.error = error;
    throw error;
  } finally {
    view.loading = false;
    state.loading = false;
    changed();
  }
}

const act = (one, action, body, done) =>
  attempt(async () => {
    if (await updateAppointmentStatus(one.id, action, body)) done && toast(done);
    await load();
  });

const finish = (one, words, run) =>
  attempt(() =>
    later(one.id, `${number(one)}: ${words}`, async () => {
      await run();
      await load();
    }),
  );

function actionsOf(one, after = () => {}) {
  const then = run => () => {
    after();
    run();
  };
  const undo = state.undecided.get(one.id);
  if (undo) return [button(t('Undo'), then(undo), '', one)];
  const answering = phase(one) !== 'overdue' && one.status === 'pending';
  const missed = ['missed', 'no_show'].includes(one.status);
  const planned = ['confirmed', 'assigned'].includes(one.status) && !may(one, 'start');
  const main = [
    answering &&
      may(one, 'accept') &&
      busyButton(
        one,
        'accept',
        [t('Accept'), t('Accepting…')],
        then(act(one, 'accept', {}, t('{number} is yours.', { number: number(one) }))),
        'primary',
      ),
    answering && may(one, 'reject') && button(t('Reject…'), then(attempt(() => modal(one))), '', one),
    answering &&
      may(one, 'extend') &&
      button(
        t('Ask for 10 more minutes'),
        then(act(one, 'extend', { minutes: 10 }, t('You have more time to answer.'))),
        '',
        one,
      ),
    may(one, 'start') && button(t('Start'), then(act(one, 'start')), 'primary', one),
    planned && may(one, 'reschedule') && button(t('Reschedule…'), then(attempt(() => reschedule(one))), '', one),
    one.status === 'in_progress' &&
      may(one, 'complete') &&
      button(
        t('Complete'),
        then(finish(one, t('completed'), () => updateAppointmentStatus(one.id, 'complete'))),
        'primary',
        one,
      ),
    missed && may(one, 'reschedule') && button(t('Reschedule…'), then(attempt(() => reschedule(one))), 'primary', one),
    one.status === 'missed' && may(one, 'complete') && button(t('It did happen'), then(act(one, 'complete')), '', one),
  ];
  return [
    ...main,
    moreActions(one, [
      !missed &&
        !planned &&
        may(one, 'reschedule') && [t('Reschedule…'), then(attempt(() => reschedule(one)))],
      may(one, 'no_show') && [
        t('The patient did not come'),
        then(finish(one, t('missed'), () => updateAppointmentStatus(one.id, 'no_show'))),
      ],
      may(one, 'cancel') && [t('Cancel…'), then(attempt(() => cancel(one)))],
      may(one, 'delete') && [
        t('Remove'),
        then(
          finish(one, t('removed'), async () => {
            await remove(`/api/scheduling/appointments/${one.id}/`);
            drop(one.id);
          }),
        ),
      ],
      one.video_url && [t('Open the video room'), () => window.open(one.video_url, '_blank', 'noopener')],
    ]),
  ].filter(Boolean);
}

const dialogs = new Map();

function modal(one) {
  const dialog = openRejectionModal(one);
  dialogs.set(one.id, dialog);
  dialog.addEventListener('close', () => {
    dialogs.delete(one.id);
    load().catch(() => {});
  });
}

function cancel(one) {
  const reason = h('textarea', { rows: 3, maxLength: 2000, required: true });
  const box = field(t('Reason'), reason, t('The patient reads this.'));
  ask({
    title: t('Cancel {number}?', { number: number(one) }),
    ok: t('Cancel the appointment'),
    busy: t('Cancelling…'),
    danger: true,
    body: box,
    submit: async () => {
      if (!reason.value.trim()) return box.fail(t('Enter a reason'));
      await updateAppointmentStatus(one.id, 'cancel', { cancellation_reason: reason.value });
      await load();
      return true;
    },
  });
}

function reschedule(one) {
  const date = h('input', { type: 'date', required: true, value: one.appointment_date });
  const time = h('input', { type: 'time', required: true, value: one.appointment_time.slice(0, 5) });
  const [days, times] = [field(t('Date'), date), field(t('Time in {place}', { place: place(one.timezone) }), time)];
  ask({
    title: t('Reschedule {number}', { number: number(one) }),
    ok: t('Reschedule'),
    busy: t('Rescheduling…'),
    body: [
      h('p', { className: 'muted' }, t('The patient is told. The same therapist comes.')),
      h('div', { className: 'fields' }, days, times),
    ],
    submit: async () => {
      if (!date.value) return days.fail(t('Enter a date'));
      if (!time.value) return times.fail(t('Enter a time'));
      try {
        if (await updateAppointmentStatus(one.id, 'reschedule', { new_date: date.value, new_time: time.value }))
          toast(t('{number} was rescheduled.', { number: number(one) }));
      } catch (error) {
        return (error.field === 'new_time' ? times : days).fail(error.message);
      }
      await load();
      return true;
    },
  });
}

const rowOf = one =>
  row(one, () => ({
    facts: [
      one.open && h('span', { className: 'flag' }, t('Open to every free therapist')),
      one.status === 'assigned' && h('span', { className: 'flag warn' }, t('Rejection denied')),
    ].filter(Boolean),
    quote: one.reason_for_visit || null,
    actions: actionsOf(one),
    onDetails: shown => openDetails(shown, actionsOf),
  }));

const filterBar = h(
  'nav',
  { className: 'acts', 'aria-label': t('Filter') },
  FILTERS.map(([key, text]) =>
    h(
      'a',
      {
        className: 'btn',
        href: `?filter=${key}`,
        'data-filter': key,
        onclick: event => {
          event.preventDefault();
          goTo({ filter: key, tab: 'requests' });
        },
      },
      text,
    ),
  ),
);

function filters() {
  for (const one of filterBar.children) {
    if (one.dataset.filter === currentFilter()) one.setAttribute('aria-current', 'page');
    else one.removeAttribute('aria-current');
  }
  return filterBar;
}

function content(tab) {
  if (tab === 'notifications') return notifications();
  if (tab === 'slots') return slots(render);
  const head = tab === 'requests' ? [filters()] : [];
  if (state.error)
    return [
      ...head,
      h(
        'p',
        { className: 'alert', role: 'alert' },
        state.error.message,
        ' ',
        button(t('Try again'), () => load().catch(() => {})),
      ),
    ];
  if (view.loading) return [...head, ...[1, 2, 3].map(() => h('div', { className: 'skeleton' }))];
  const stuck = [...state.conflicts.keys()].filter(id => !view.ids.includes(id));
  const rows = [...stuck, ...view.ids].map(id => state.appointments.get(id)).filter(Boolean);
  if (!rows.length) return [...head, empty(...EMPTY[tab])];
  const left = view.count - view.ids.length;
  const more =
    left > 0 &&
    h(
      'div',
      { className: 'more-of' },
      button(tn('Show {n} more', 'Show {n} more', Math.min(left, PAGE)), () => {
        view.shown += PAGE;
        load().catch(() => {});
      }),
    );
  const name = TABS.find(([key]) => key === tab)[1];
  return [...head, h('h2', { className: 'sr' }, name), list(name, rows.map(rowOf)), more].filter(Boolean);
}

function render() {
  const tab = currentTab();
  byId('tabs').hidden = false;
  panel.setAttribute('role', 'tabpanel');
  panel.setAttribute('aria-busy', String(view.loading));
  showTabs(tab, { requests: view.waiting, notifications: state.unread });
  paintBell();
  sync(panel, content(tab));
}

function suspended(event) {
  const alert = h(
    'div',
    { className: 'alert', role: 'alert' },
    h('p', {}, h('strong', {}, t('Your account was suspended.')), ' ', event.data.reason ?? ''),
    h('p', {}, t('Ask an operator of your institution to reinstate you.')),
  );
  byId('notices').replaceChildren(alert);
}

function onEvent(event) {
  const one = event.data?.appointment;
  if (event.type === 'therapist_disabled') suspended(event);
  if (event.type === 'therapist_enabled') byId('notices').replaceChildren();
  if (one && dialogs.has(one.id)) dialogs.get(one.id).lock(event.message);
  if (['new_appointment', 'appointment_assigned'].includes(event.type)) {
    toast(event.message);
    notify(event);
  }
  if (event.type === 'deadline_approaching') notify(event);
  clearTimeout(onEvent.timer);
  onEvent.timer = setTimeout(() => load().catch(() => {}), 150);
}

byId('today').textContent = `${longDay(now(), settings.timezone)} · ${place(settings.timezone)}`;
byId('bell').addEventListener('click', event => {
  event.preventDefault();
  goTo({ tab: 'notifications' });
});
addEventListener('popstate', () => {
  load().catch(() => {});
  render();
});
subscribe(render);
watchTime(render);
setInterval(() => document.hidden || load().catch(() => {}), 60_000); // what may be started changes with the time
availability(settings.taking_appointments, settings.away_until);
offerNotes();
goLive({ load, onEvent });
const wanted = selected();
if (wanted)
  fetchAppointment(wanted)
    .then(one => openDetails(one, actionsOf))
    .catch(() => {});
