// One appointment in a list. A node is kept for as long as what it shows is the same, so that focus and open menus stay.
import { now, onTick } from './clock.js';
import { h, icon, ltr, said, sync } from './dom.js';
import { at, bothZones, clockText, isRtl, t } from './i18n.js';
import { settings } from './settings.js';
import { badge, number, phase, TIMED, type } from './statuses.js';
import { doing, state } from './scheduling.js';

const HOUR_MS = 3_600_000;

/** A button that names its object to screen readers: "Reassign… A-1042". */
export function button(text, run, kind = '', about = null) {
  const name = about ? `${text} ${number(about)}` : null;
  return h('button', { type: 'button', className: `btn ${kind}`, 'aria-label': name, onclick: run }, text);
}

/** "⋯" with further actions: `entries` are [text, run]. */
export function moreActions(about, entries) {
  const wanted = entries.filter(Boolean);
  if (!wanted.length) return null;
  const item = ([text, run]) =>
    button(
      text,
      () => {
        menu.open = false;
        run();
      },
      '',
      about,
    );
  const body = h('div', { className: 'menu-body' });
  const summary = h('summary', { className: 'btn more', 'aria-label': `${t('More actions')} ${number(about)}` }, '⋯');
  // Filled when it is opened: a thousand rows have a thousand menus.
  const menu = h('details', { className: 'menu actions', ontoggle: () => fill() }, summary, body);
  const fill = () => menu.open && !body.children.length && body.append(...wanted.map(item));
  return menu;
}

/** Time left, painted each second from the deadline itself. */
export function countdown(appointment) {
  const total =
    Date.parse(appointment.response_deadline) - Date.parse(appointment.assigned_at ?? appointment.created_at);
  return [
    h(
      'span',
      {
        className: 'countdown',
        role: 'timer',
        'aria-label': t('Response time for {number}', { number: number(appointment) }),
        'data-deadline': appointment.response_deadline,
        'data-total': String(total),
        'data-long': Date.parse(appointment.response_deadline) - now() >= HOUR_MS,
      },
      ltr(''),
      h('small'),
    ),
    h('span', { className: 'bar', 'aria-hidden': 'true' }, h('i')),
  ];
}

const startTime = appointment =>
  h(
    'span',
    { className: 'countdown' },
    ltr(at(appointment.start, appointment.timezone)),
    h('small', {}, at(appointment.start, appointment.timezone, { day: 'numeric', month: 'short' })),
  );

export function people(appointment) {
  const arrow = h('span', { className: 'muted' }, isRtl() ? ' ← ' : ' → ');
  const patient = said(appointment.patient_name ?? t('A patient'));
  return settings.user.role === 'therapist' ? [patient] : [patient, arrow, said(appointment.therapist_name ?? '—')];
}

/** Who was faster, where it is known, and what is the case now. */
function conflictWords(appointment, { by, at: when, message }) {
  if (message) return message;
  const status = badge(appointment).textContent;
  if (!by) return t('Already handled: now “{status}”.', { status });
  return t('Already handled by {name} at {time}: now “{status}”.', {
    name: by,
    time: at(when, settings.timezone),
    status,
  });
}

function conflictLine(appointment, onDetails) {
  const conflict = state.conflicts.get(appointment.id);
  if (!conflict) return null;
  return h(
    'p',
    { className: 'conflict', role: 'alert' },
    icon('user'),
    h('span', { dir: 'auto' }, conflictWords(appointment, conflict), ' ', t('Your change was not saved.')),
    h(
      'button',
      { type: 'button', className: 'btn link', onclick: () => onDetails(appointment, true) },
      t('Show details'),
    ),
  );
}

/** A memory of nodes by id: the same node while its key is the same, and a new one takes over the focus. */
export function remembering() {
  const kept = new Map();
  return (id, key, build) => {
    const known = kept.get(id);
    if (known?.key === key) return known.node;
    const node = build();
    const focused = known?.node.contains(document.activeElement) && document.activeElement;
    kept.set(id, { key, node });
    if (focused) queueMicrotask(() => refocus(node, focused));
    return node;
  };
}
const rowsById = remembering();

/**
 * The row of an appointment. `make()` gives its parts: `facts`, `actions`, `quote`, `tick`, `onDetails`; it is only
 * asked where something has changed. `extra` says what else the row's look depends on.
 */
export function row(appointment, make, extra = '') {
  const key = [
    appointment.version,
    appointment.status,
    phase(appointment),
    appointment.response_deadline,
    appointment.offer_read_at,
    appointment.claimed_by,
    ...doing(appointment),
    state.conflicts.has(appointment.id),
    state.conflicts.get(appointment.id)?.by,
    appointment.allowed_actions?.join(),
    extra,
  ].join('|');
  return rowsById(appointment.id, key, () => build(appointment, make()));
}

/** The same button of the new node, else its title or first button: focus never falls out of the list. */
function refocus(node, was) {
  const nameOf = one => one.dataset.action ?? one.getAttribute('aria-label') ?? one.textContent;
  const same = [...node.querySelectorAll('button, a, summary')].find(one => nameOf(one) === nameOf(was));
  (same ?? node.querySelector('h3 a') ?? node.querySelector('button, a'))?.focus();
}

function build(appointment, { facts = [], actions = [], quote, onDetails, tick }) {
  const current = phase(appointment);
  const timed = TIMED.includes(current);
  const title = h(
    'a',
    {
      href: `#${number(appointment)}`,
      onclick: event => {
        event.preventDefault();
        onDetails(appointment);
      },
    },
    people(appointment),
  );
  const node = h(
    'li',
    {
      className: tick ? 'row compact' : 'row',
      id: `row-${appointment.id}`,
      'data-testid': `appointment-${appointment.id}`,
      'data-id': appointment.id,
      'data-phase': current,
      'data-version': appointment.version,
      'data-claimed': Boolean(appointment.claimed_by),
    },
    tick && h('div', { className: 'tick' }, tick),
    h('div', { className: 'time' }, timed ? countdown(appointment) : startTime(appointment)),
    h(
      'div',
      { className: 'body' },
      h('div', { className: 'who' }, h('h3', {}, title), badge(appointment)),
      h(
        'p',
        { className: 'meta' },
        h('span', {}, ltr(number(appointment))),
        h('span', {}, type(appointment)),
        timed || tick
          ? h(
              'span',
              {},
              at(appointment.start, appointment.timezone, { weekday: 'short', day: 'numeric', month: 'short' }),
            )
          : null,
        bothZones(appointment.start, appointment.timezone),
        facts,
      ),
      quote && h('p', { className: 'quote', dir: 'auto' }, `“${quote}”`),
    ),
    h('div', { className: 'acts' }, actions),
    conflictLine(appointment, onDetails),
  );
  const counting = node.getElementsByClassName('countdown');
  paint(counting, now());
  for (const timer of counting) sight.observe(timer);
  return node;
}

/** A button that says so while its action runs, and keeps the focus. */
export function busyButton(appointment, action, [text, working], run, kind = '') {
  const busy = state.busy.get(appointment.id) === action;
  const made = button(busy ? working : text, run, kind, appointment);
  made.dataset.action = action;
  if (busy) made.setAttribute('aria-disabled', 'true');
  return made;
}

const timers = new WeakMap();
// A thousand rows may count down, and a dozen of them are looked at.
const inSight = new Set();
const sight = new IntersectionObserver(
  changes => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) inSight.add(target);
      else inSight.delete(target);
    }
    paint(inSight, now());
  },
  { rootMargin: '50%' },
);

function timerOf(element) {
  const known = {
    deadline: Date.parse(element.dataset.deadline),
    total: Number(element.dataset.total),
    time: element.firstChild.appendChild(document.createTextNode('')),
    bar: element.parentElement?.querySelector('.bar i'),
  };
  timers.set(element, known);
  return known;
}

/** What countdowns show; only what differs is written. */
function paint(elements, time) {
  for (const element of elements) {
    if (!element.hasAttribute('data-deadline')) continue;
    const timer = timers.get(element) ?? timerOf(element);
    const left = timer.deadline - time;
    const late = left <= 0;
    timer.time.data = late ? `−${clockText(left)}` : clockText(left + 999);
    if (timer.late !== late) element.lastChild.textContent = late ? t('overdue') : t('left');
    const share = Math.max(0, Math.min(1, left / timer.total)).toFixed(2);
    if (timer.share !== share) timer.bar?.style.setProperty('--left', share);
    timer.late = late;
    timer.share = share;
  }
}
onTick(time => paint(inSight, time));
addEventListener('beforeprint', () => paint(document.getElementsByClassName('countdown'), now()));

/** A heading with its number, and the list under it; nothing for an empty group. */
export function group(name, rows) {
  if (!rows.length) return [];
  const heading =
    headings.get(name) ?? h('div', { className: 'group' }, h('h2', {}, name), h('span', { className: 'count' }));
  headings.set(name, heading);
  heading.lastChild.textContent = rows.length;
  return [heading, list(name, rows)];
}
const headings = new Map();
const lists = new Map();

export function list(name, rows) {
  const box = lists.get(name) ?? h('ul', { role: 'list', 'aria-label': name });
  lists.set(name, box);
  sync(box, rows);
  return box;
}

export const empty = (title, text) => h('p', { className: 'empty' }, h('strong', {}, title), ' ', text);
