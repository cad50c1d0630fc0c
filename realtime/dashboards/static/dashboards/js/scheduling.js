// The store: what is known of appointments and notifications, and every write. The server decides; nothing is guessed.
import { all, get, post } from './api.js';
import { toast, undoable } from './messages.js';
import { settings } from './settings.js';

const APPOINTMENTS = '/api/scheduling/appointments/';
const NOTIFICATIONS = '/api/scheduling/notifications/';
const MOST = 5_000;

export const state = {
  appointments: new Map(),
  notifications: [],
  unread: 0,
  loading: true,
  error: null,
  busy: new Map(),
  conflicts: new Map(),
  undecided: new Map(), // what waits its ten seconds, with the way to take it back
  acted: false, // the last change was this person's own
};

const listeners = new Set();
export const subscribe = listener => listeners.add(listener);
let scheduled = false;

/** Tell the views, once for all changes of a moment. */
export function changed() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const listener of listeners) listener(state);
  });
}

/** Take an appointment in; an older version than the known one is not news. */
export function keep(appointment) {
  if (take(appointment)) for (const heard of listening) heard.add(appointment.id);
}

function take(appointment) {
  const known = state.appointments.get(appointment.id);
  if (known && appointment.version < known.version) return false;
  state.appointments.set(appointment.id, appointment);
  return true;
}

// While a list is being fetched, what events bring is newer than the list.
const listening = new Set();

/**
 * Fetch a whole list, shown page by page. What is not listed and for which `replaced(appointment)` holds is no longer
 * there.
 */
export async function fetchAppointments(query, replaced) {
  const heard = new Set();
  listening.add(heard);
  state.error = null;
  changed();
  try {
    const rows = await all(`${APPOINTMENTS}?${query}`, MOST, page => {
      page.forEach(take);
      state.loading = false;
      changed();
    });
    const listed = new Set(rows.map(row => row.id));
    for (const one of state.appointments.values()) {
      const stays = listed.has(one.id) || heard.has(one.id) || state.conflicts.has(one.id);
      if (!stays && replaced(one)) state.appointments.delete(one.id);
    }
    return rows;
  } catch (error) {
    state.error = error;
    throw error;
  } finally {
    listening.delete(heard);
    state.loading = false;
    changed();
  }
}

export async function fetchAppointment(id) {
  const appointment = await get(`${APPOINTMENTS}${id}/`);
  keep(appointment);
  changed();
  return appointment;
}

/** The first `most` of a list, page by page; `count` is how many there are. */
export async function fetchFirst(query, most) {
  const found = { results: [], count: 0 };
  for (let page = 1; found.results.length < most; page += 1) {
    const part = await get(`${APPOINTMENTS}?${query}&page_size=50&page=${page}`);
    found.results.push(...part.results);
    found.count = part.count;
    if (!part.next) break;
  }
  return found;
}

/** One page of the list as the server orders it. */
export const fetchPage = query => get(`${APPOINTMENTS}?${query}`);
export const fetchTimeline = id => get(`${APPOINTMENTS}${id}/logs/?page_size=50`).then(page => page.results);
export const fetchAvailableTherapists = id => get(`${APPOINTMENTS}${id}/available_therapists/`);

/**
 * Do one action. The version that the person saw goes with it. True when it was done; false when somebody was
 * faster: the row then stays, with what is the case now. Raises Refusal for everything else.
 */
export async function updateAppointmentStatus(id, action, body = {}) {
  if (state.busy.has(id)) return false;
  state.busy.set(id, action);
  state.conflicts.delete(id);
  changed();
  try {
    const seen = state.appointments.get(id);
    const answer = await post(`${APPOINTMENTS}${id}/${action}/`, {
      ...(seen && action !== 'handover_notes' ? { version: seen.version } : {}),
      ...body,
    });
    state.acted = true;
    for (const row of [answer, answer?.old_appointment, answer?.new_appointment])
      if (row?.version && row.status) keep(row);
    return true;
  } catch (error) {
    if (error.status !== 409) throw error;
    if (error.current) keep(error.current);
    state.conflicts.set(id, {});
    state.conflicts.set(id, await whoWasFaster(id));
    return false;
  } finally {
    state.busy.delete(id);
    changed();
  }
}

/** The last act on an appointment, for those who may read its timeline. */
async function whoWasFaster(id) {
  if (!['operator', 'admin'].includes(settings.user.role)) return {};
  const entries = await fetchTimeline(id).catch(() => []);
  const act = entries.find(entry => entry.new_values?.status) ?? entries[0];
  return act ? { by: act.performed_by_name, at: act.timestamp } : {};
}

/** Do it in ten seconds, unless it is taken back; until then `state.undecided` holds the way back under `key`. */
export function later(key, text, run) {
  const settled = () => {
    state.undecided.delete(key);
    changed();
  };
  const carryOut = () => run().catch(error => toast(error.message));
  state.undecided.set(key, undoable(text, carryOut, settled));
  changed();
}

export const rejectAppointment = (id, rejection_reason) => updateAppointmentStatus(id, 'reject', { rejection_reason });
export const reviewRejection = (id, review_decision, review_notes = '') =>
  updateAppointmentStatus(id, 'review_rejection', { review_decision, review_notes });
export const autoCancelOverdueAppointments = dry_run => post(`${APPOINTMENTS}auto_cancel_overdue/`, { dry_run });

export async function fetchNotifications() {
  const page = await get(`${NOTIFICATIONS}?limit=100`);
  // What came over the socket while the page was on its way is not on it.
  const newer = state.notifications.filter(one => one.seq > page.last_seq);
  state.notifications = [...newer, ...page.results];
  state.unread = page.unread_count + newer.filter(one => !one.read_at).length;
  changed();
}

export async function markRead(seq) {
  const answer = await post(seq ? `${NOTIFICATIONS}${seq}/read/` : `${NOTIFICATIONS}read_all/`);
  const now = new Date().toISOString();
  for (const one of state.notifications) if (!seq || one.seq === seq) one.read_at ??= now;
  state.unread = answer.unread_count;
  changed();
}

/** An event of the inbox: the appointment as it is now, and one more in the bell. */
export function apply(event) {
  const appointment = event.data?.appointment;
  if (appointment) keep(appointment);
  if (!state.notifications.some(one => one.seq === event.seq)) {
    state.notifications = [
      { ...event, appointment: appointment?.id ?? null, read_at: event.read_at ?? null },
      ...state.notifications,
    ].slice(0, 200);
    if (!event.read_at) state.unread += 1;
  }
  changed();
}

/** What this person is doing to an appointment. */
export const doing = ({ id }) => [state.busy.get(id), state.undecided.has(id)];

/** Forget an appointment that the reader no longer sees. */
export function drop(id) {
  state.appointments.delete(id);
  state.conflicts.delete(id);
  changed();
}
