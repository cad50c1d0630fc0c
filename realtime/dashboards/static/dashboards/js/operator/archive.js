// All appointments: filters kept in the address, saved filters, pages of 50, several at once, CSV.
import { ask, field } from '../dialogs.js';
import { h, said } from '../dom.js';
import { t, tn } from '../i18n.js';
import { preference, prefer } from '../preferences.js';
import { all } from '../api.js';
import { empty, list, remembering } from '../rows.js';
import { fetchPage, keep, state } from '../scheduling.js';
import { label, may, TYPES } from '../statuses.js';
import { cancel, each } from './dialogs.js';

const PAGE = 50;
const FIELDS = ['q', 'status', 'therapist', 'patient', 'date_from', 'date_to', 'appointment_type', 'unpaid'];
const STATUSES = [
  'pending',
  'confirmed',
  'assigned',
  'rejected',
  'in_progress',
  'completed',
  'missed',
  'no_show',
  'cancelled',
  'auto_cancelled',
  'rescheduled',
];
const WORDS = { pending: t('Pending'), assigned: t('Confirmed (rejection denied)'), no_show: t('No show') };
const COLUMNS = [
  'id',
  'status',
  'start',
  'timezone',
  'duration_minutes',
  'appointment_type',
  'patient_name',
  'therapist_name',
  'service_name',
  'response_deadline',
  'rejection_reason',
  'cancellation_reason',
  'consultation_fee',
  'is_paid',
];

const view = { ids: [], count: 0, page: 1, loading: false, error: null, ticked: new Set() };
const remembered = remembering();
let redraw = () => {};
let form = null;

const asked = () =>
  Object.fromEntries(
    FIELDS.map(name => [name, new URLSearchParams(location.search).get(name) ?? '']).filter(([, value]) => value),
  );

function query(filters) {
  const words = new URLSearchParams({ ordering: '-start' });
  for (const [name, value] of Object.entries(filters)) {
    if (name === 'q') words.set('search', value.replace(/\bA-(\d+)\b/gi, '$1'));
    else if (name === 'unpaid') words.set('is_paid', 'false');
    else words.set(name, value);
  }
  return words;
}

/** Fetch the page that the address asks for. */
export async function loadArchive() {
  view.loading = true;
  view.error = null;
  try {
    const words = query(asked());
    words.set('page', String(view.page));
    words.set('page_size', String(PAGE));
    const page = await fetchPage(words);
    page.results.forEach(keep);
    view.ids = page.results.map(one => one.id);
    view.count = page.count;
  } catch (error) {
    view.error = error;
  } finally {
    view.loading = false;
    redraw();
  }
}

function apply(filters) {
  const address = new URLSearchParams(location.search);
  for (const name of FIELDS)
    if (filters[name]) address.set(name, filters[name]);
    else address.delete(name);
  history.pushState(null, '', `?${address}${location.hash}`);
  view.page = 1;
  view.ticked.clear();
  const search = document.getElementById('search');
  if (search) search.value = filters.q ?? '';
  fill(filters);
  loadArchive();
}

/** Search from the top bar. */
export const searchFor = words => apply({ ...asked(), q: words });

function select(name, text, entries) {
  const box = h(
    'select',
    { name, id: `filter-${name}` },
    h('option', { value: '' }, t('All')),
    entries.map(([value, words]) => h('option', { value }, words)),
  );
  return h('div', { className: 'field' }, h('label', { htmlFor: box.id }, text), box);
}

function input(name, text, kind) {
  const box = h('input', { name, id: `filter-${name}`, type: kind });
  return h('div', { className: 'field' }, h('label', { htmlFor: box.id }, text), box);
}

function fill(filters) {
  for (const control of form?.elements ?? []) {
    if (!control.name) continue;
    if (control.type === 'checkbox') control.checked = Boolean(filters[control.name]);
    else if (control.name !== 'saved') control.value = filters[control.name] ?? '';
  }
}

function makeForm() {
  const therapists = select('therapist', t('Therapist'), []);
  all('/api/scheduling/therapists/')
    .then(rows => {
      therapists.lastChild.append(...rows.map(one => h('option', { value: String(one.id) }, one.name)));
      fill(asked());
    })
    .catch(() => {});
  const unpaid = h(
    'label',
    { className: 'check' },
    h('input', { type: 'checkbox', name: 'unpaid', value: '1' }),
    t('Unpaid'),
  );
  const saved = h('div', { className: 'acts', id: 'saved-filters' });
  // Chosen at an appointment's details: a clinic has more patients than a list could show.
  const patient = h('input', { type: 'hidden', name: 'patient' });
  const made = h(
    'form',
    {
      className: 'card stack',
      'aria-label': t('Filters'),
      onsubmit: event => {
        event.preventDefault();
        apply({ q: asked().q, ...Object.fromEntries([...new FormData(made)].filter(([, value]) => value)) });
      },
    },
    h(
      'div',
      { className: 'fields' },
      select(
        'status',
        t('Status'),
        STATUSES.map(one => [one, WORDS[one] ?? label(one)]),
      ),
      therapists,
      select('appointment_type', t('Type'), Object.entries(TYPES)),
      input('date_from', t('From'), 'date'),
      input('date_to', t('To'), 'date'),
      unpaid,
    ),
    patient,
    h(
      'div',
      { className: 'acts' },
      h('button', { className: 'btn primary' }, t('Filter')),
      h('button', { type: 'button', className: 'btn', onclick: () => apply({}) }, t('Clear')),
      h('button', { type: 'button', className: 'btn', onclick: saveFilter }, t('Save this filter…')),
      saved,
    ),
  );
  drawSaved(saved);
  return made;
}

function drawSaved(box) {
  const saved = preference('saved_filters', {});
  box.replaceChildren(
    ...Object.entries(saved).map(([name, filters]) =>
      h(
        'span',
        { className: 'acts' },
        h('button', { type: 'button', className: 'btn', dir: 'auto', onclick: () => apply(filters) }, name),
        h(
          'button',
          {
            type: 'button',
            className: 'btn more',
            'aria-label': t('Forget the filter {name}', { name }),
            onclick: () => {
              const { [name]: _, ...rest } = preference('saved_filters', {});
              prefer('saved_filters', rest).catch(() => {});
              drawSaved(box);
            },
          },
          '×',
        ),
      ),
    ),
  );
}

function saveFilter() {
  const name = h('input', { maxLength: 40, required: true });
  const box = field(t('Name'), name);
  ask({
    title: t('Save this filter'),
    ok: t('Save'),
    body: box,
    submit: async () => {
      if (!name.value.trim()) return box.fail(t('Enter a name'));
      await prefer('saved_filters', { ...preference('saved_filters', {}), [name.value.trim()]: asked() });
      drawSaved(document.getElementById('saved-filters'));
      return true;
    },
  });
}

/** Quoted for spreadsheets; a leading sign would be run as a formula there. */
const cell = value =>
  `"${String(value ?? '')
    .replace(/^[=+\-@\t\r]/, "'$&")
    .replaceAll('"', '""')}"`;

async function exportCsv() {
  const rows = view.ticked.size
    ? ticked()
    : await all(`/api/scheduling/appointments/?${query(asked())}`, 5_000);
  const text = [COLUMNS.join(','), ...rows.map(row => COLUMNS.map(name => cell(row[name])).join(','))].join('\r\n');
  const url = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv' }));
  h('a', { href: url, download: 'appointments.csv' }).click();
  URL.revokeObjectURL(url);
}

const ticked = () => [...view.ticked].map(id => state.appointments.get(id)).filter(Boolean);
const able = action => ticked().filter(one => may(one, action));

function bulkBar() {
  const one = (text, action, run) => {
    const n = able(action).length;
    return h(
      'button',
      { type: 'button', className: 'btn', disabled: !n, onclick: () => run(able(action)) },
      n ? `${text} (${n})` : text,
    );
  };
  const n = ticked().length;
  return h(
    'div',
    { className: 'acts', role: 'group', 'aria-label': t('With the ticked ones') },
    n ? h('span', { className: 'muted sm' }, tn('{n} ticked', '{n} ticked', n)) : null,
    one(t('Reassign…'), 'reassign', rows =>
      ask({
        title: tn('Reassign {n} appointment?', 'Reassign {n} appointments?', rows.length),
        ok: t('Reassign'),
        body: h(
          'p',
          {},
          t(
            'The best free therapist is asked for each; where nobody is free, it is cancelled and the patient is told.',
          ),
        ),
        submit: () => each(rows, 'reassign'),
      }),
    ),
    one(t('Cancel…'), 'cancel', cancel),
    one(t('Remind'), 'remind', rows => each(rows, 'remind')),
    h('button', { type: 'button', className: 'btn', onclick: () => exportCsv() }, t('Export CSV')),
  );
}

const lastPage = () => Math.max(1, Math.ceil(view.count / PAGE));

function pages() {
  const last = lastPage();
  const turn = (text, to) =>
    h(
      'button',
      {
        type: 'button',
        className: 'btn',
        disabled: to < 1 || to > last,
        onclick: () => {
          view.page = to;
          loadArchive();
        },
      },
      text,
    );
  return h(
    'div',
    { className: 'more-of' },
    turn(t('Previous'), view.page - 1),
    h('span', { className: 'muted sm' }, t('Page {page} of {last}', { page: view.page, last })),
    turn(t('Next'), view.page + 1),
  );
}

/** How many there are and whose, with the way back from one patient's to everybody's. */
function heading(rows) {
  const { patient, ...others } = asked();
  const name = patient && (rows[0]?.patient_name ?? t('A patient'));
  const everybody = () =>
    h(
      'button',
      {
        type: 'button',
        className: 'btn',
        'aria-label': t('Only {name}: show all', { name }),
        onclick: () => apply(others),
      },
      said(name),
      ' ×',
    );
  return remembered('heading', [view.count, name, JSON.stringify(others)].join('|'), () =>
    h(
      'div',
      { className: 'group' },
      h('h2', {}, t('All appointments')),
      h('span', { className: 'count' }, view.count),
      name && everybody(),
    ),
  );
}

/** The nodes of the tab. `makeRow(appointment, tick)` makes a row with a tick box. */
export function archive(makeRow, onChange) {
  redraw = onChange;
  if (!form) {
    form = makeForm();
    fill(asked());
    loadArchive();
  }
  if (view.error)
    return [
      form,
      h(
        'p',
        { className: 'alert' },
        view.error.message,
        ' ',
        h('button', { type: 'button', className: 'btn', onclick: loadArchive }, t('Try again')),
      ),
    ];
  if (view.loading && !view.ids.length) return [form, ...[1, 2, 3].map(() => h('div', { className: 'skeleton' }))];
  const rows = view.ids.map(id => state.appointments.get(id)).filter(Boolean);
  const tick = one =>
    h('input', {
      type: 'checkbox',
      checked: view.ticked.has(one.id),
      'aria-label': t('Tick {number}', { number: `A-${one.id}` }),
      onchange: event => {
        if (event.target.checked) view.ticked.add(one.id);
        else view.ticked.delete(one.id);
        onChange();
      },
    });
  if (!rows.length) return [form, heading(rows), empty(t('Nothing found.'), t('Change the filters or clear them.'))];
  return [
    form,
    heading(rows),
    remembered('bulk', [ticked().length, ...['reassign', 'cancel', 'remind'].map(one => able(one).length)].join(), bulkBar),
    list(
      t('All appointments'),
      rows.map(one => makeRow(one, tick(one))),
    ),
    remembered('pages', [view.page, lastPage()].join(), pages),
  ];
}
