// Days of the institution's calendar, as midnights of UTC.
import { at } from '../i18n.js';
import { settings } from '../settings.js';

export const SLOTS = '/api/appointments/time-slots/';
export const DAY_MS = 86_400_000;
export const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6].map(index => [
  index,
  at(Date.UTC(2024, 0, 1 + index), 'UTC', { weekday: 'short' }),
]);
export const iso = time => new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC' }).format(new Date(time));

const calendar = time =>
  Date.parse(new Intl.DateTimeFormat('en-CA', { timeZone: settings.timezone }).format(new Date(time)));

/** The first day of a week that is not over. */
export const firstFrom = (monday, time) => Math.max(monday, calendar(time));

/** The Monday of the week in which an instant lies. */
export function mondayOf(time) {
  const local = calendar(time);
  return local - ((new Date(local).getUTCDay() + 6) % 7) * DAY_MS;
}
