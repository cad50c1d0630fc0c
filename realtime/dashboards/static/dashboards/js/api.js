// One way to the server: JSON, the session's cookie with its CSRF token, errors as `Refusal`.
import { t } from './i18n.js';
import { settings } from './settings.js';

/** A refusal of the server: `status`, `code`, a sentence in `message`, and `current` of a conflict. */
export class Refusal extends Error {
  constructor(status, body) {
    const first = body?.errors?.[0];
    super(first?.detail ?? t('Something went wrong. Try again.'));
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

/** Everything of a paginated list, up to `most` rows. */
export async function all(path, most = 500) {
  const rows = [];
  const joiner = path.includes('?') ? '&' : '?';
  for (let page = 1; rows.length < most; page += 1) {
    const found = await get(`${path}${joiner}page_size=100&page=${page}`);
    rows.push(...found.results);
    if (!found.next) break;
  }
  return rows;
}
