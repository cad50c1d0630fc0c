// Words, numbers and times in the reader's language. `django` is the catalogue loaded before the modules.
import { h } from './dom.js';
import { settings } from './settings.js';

const catalogue = globalThis.django;

/** The translation; `{name}` in it is filled from `values`. */
export function t(text, values) {
  return fill(inOurWords(catalogue.gettext(text)), values);
}

/** The form for a number, by the rules of the language; `{n}` is the number. */
export function tn(one, many, n, values) {
  return fill(inOurWords(catalogue.ngettext(one, many, n)), { n, ...values });
}

const ours = new Map(settings.words);
const either = new RegExp(['\\{\\w+\\}', ...ours.keys()].join('|'), 'g');

/** A sentence with the clinic's own words for therapists and patients; a gap to fill, named like a role, stays. */
export function inOurWords(text) {
  return ours.size ? text.replace(either, found => ours.get(found) ?? found) : text;
}

function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const isRtl = () => document.documentElement.dir === 'rtl';
const locale = { en: 'en-GB', ar: 'ar-u-nu-latn', ur: 'ur-u-nu-latn' }[settings.language] ?? 'en-GB';
const formats = new Map();

/** An instant in a language and a zone. A format costs more to make than a whole row to show: each is made once. */
function written(instant, language, zone, options) {
  const key = language + zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, { timeZone: zone, ...options }));
  return formats.get(key).format(new Date(instant));
}

const CLOCK = { hour: '2-digit', minute: '2-digit' };

/** An instant on the wall of a zone. */
export const at = (instant, zone, options = CLOCK) =>
  written(instant, locale, zone, options.hour ? { hourCycle: 'h23', ...options } : options);

const DAY = { weekday: 'short', day: 'numeric', month: 'short' };
export const day = (instant, zone) => at(instant, zone, DAY);
export const longDay = (instant, zone) => at(instant, zone, { weekday: 'long', day: 'numeric', month: 'long' });
const calendar = (instant, zone) => written(instant, 'en-CA', zone, {});
export const sameDay = (one, other, zone) => calendar(one, zone) === calendar(other, zone);

export const place = zone => (zone.includes('/') ? zone.split('/').pop().replaceAll('_', ' ') : zone);
export const ownZone = settings.own_timezone || Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** Time and place as one isolate each: the institution's first, the reader's own where it differs. */
export function bothZones(instant, zone) {
  const pair = name => h('bdi', { dir: 'ltr' }, `${at(instant, name)} ${place(name)}`);
  if (offsetText(instant, zone) === offsetText(instant, ownZone)) return h('span', {}, pair(zone));
  const days = (Date.parse(calendar(instant, ownZone)) - Date.parse(calendar(instant, zone))) / 86_400_000;
  const shift = days ? ` (${days > 0 ? t('+1 day') : t('−1 day')})` : '';
  return h('span', {}, pair(zone), ' / ', pair(ownZone), shift);
}

/** The instant at which a zone's clocks show `wall`, such as 2026-03-01T09:00. */
export function instantOf(wall, zone) {
  const shown = Date.parse(`${wall}Z`);
  const ahead = instant => {
    const wall = written(instant, 'sv-SE', zone, { dateStyle: 'short', timeStyle: 'medium' });
    return Date.parse(`${wall.replace(' ', 'T')}Z`) - instant;
  };
  const near = shown - ahead(shown);
  return new Date(shown - ahead(near));
}

/** What a field of date and time shows for an instant. */
export const wallOf = (instant, zone) =>
  written(instant, 'sv-SE', zone, { dateStyle: 'short', timeStyle: 'short' }).replace(' ', 'T');

const offsetText = (instant, zone) => written(instant, 'en', zone, { timeZoneName: 'longOffset' });

/** mm:ss, from an hour on h:mm:ss. */
export function clockText(milliseconds) {
  const seconds = Math.max(0, Math.floor(Math.abs(milliseconds) / 1000));
  const two = number => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}
