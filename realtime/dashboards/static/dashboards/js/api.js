// One way to the server: JSON, the session's cookie with its CSRF token, errors as `Refusal`.
import { t } from './i18n.js';
import { settings } from './settings.js';

// The server explains itself in English; elsewhere what a refusal means is said in the reader's language.
const MEANINGS = {
  deadline_passed: t('The time to answer has passed.'),
  stale_version: t('Somebody has changed it meanwhile.'),
  invalid_transition: t('Its state does not allow this now.'),
  therapist_unavailable: t('The therapist is not available at that time.'),
  double_booked: t('Another appointment lies at that time.'),
  slot_full: t('This slot has no free place.'),
  slot_booked: t('This slot is booked.'),
  permission_denied: t('You may not do this.'),
  account_suspended: t('The account is suspended.'),
  not_found: t('It does not exist, or it is not yours.'),
  throttled: t('Too often. Wait a moment.'),
  unavailable: t('The server is busy. Try again.'),
  past: t('This time has already passed.'),
  too_far: t('This lies too far ahead.'),
  required: t('This is needed.'),
  blank: t('This is needed.'),
};
const explained = error => (settings.language === 'en' ? null : MEANINGS[error?.code]) ?? error?.detail;

/** A refusal of the server: `status`, `code`, a sentence in `message`, and `current` of a conflict. */
export class Refusal extends Error {
  constructor(status, body) {
    const first = body?.errors?.[0];
    super(explained(first) ?? t('Something went wrong. Try again.'));
    this.status = status;
    this.code = first?.code ?? 'unreachable';
    this.field = first?.attr ?? null;
    this.current = body?.current;
  }
}

const csrf = () => document.querySelector('[name=csrfmiddlewaretoken]')?.value ?? '';

/** How a request says who asks: the cookie speaks for itself, a pane of the demo shows its token. */
export const credentials = settings.token ? { Authorization: `Token ${settings.token}` } : {};

async function send(method, path, body) {
  const headers = { Accept: 'application/json', ...credentials };
  if (method !== 'GET') headers['X-CSRFToken'] = csrf();
  if (method === 'POST') headers['Idempotency-Key'] = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
    });
  } catch {
    throw new Refusal(0, {
      errors: [{ code: 'unreachable', detail: t("Can't reach the server. Nothing was saved."), attr: null }],
    });
  }
  const data = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, data);
  return data;
}

export const get = path => send('GET', path);
export const post = (path, body = {}) => send('POST', path, body);
export const patch = (path, body) => send('PATCH', path, body);
export const remove = path => send('DELETE', path);

const ROUNDS = 3;

/**
 * Everything of a paginated list, up to `most` rows; `onPage(rows)` is told of each page as it arrives. A list that
 * grows or shrinks between two pages moves rows across their edge: it is read again.
 */
export async function all(path, most = 500, onPage = () => {}) {
  let found = { rows: [], steady: false };
  for (let round = 0; round < ROUNDS && !found.steady; round += 1) found = await pages(path, most, onPage);
  return found.rows;
}

async function pages(path, most, onPage) {
  const rows = [];
  const counts = new Set();
  const joiner = path.includes('?') ? '&' : '?';
  for (let page = 1; rows.length < most; page += 1) {
    const found = await get(`${path}${joiner}page_size=100&page=${page}`);
    rows.push(...found.results);
    counts.add(found.count);
    onPage(found.results);
    if (!found.next) break;
  }
  return { rows, steady: counts.size === 1 };
}
