// One way to the server: JSON, the session's cookie with its CSRF token, errors as `Refusal`.
import { inOurWords, t } from './i18n.js';
import { settings } from './settings.js';

// The server explains itself in English; elsewhere what a refusal means is said in the reader's language.
const explained = error => settings.meanings[error?.code] ?? (error && inOurWords(error.detail));

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
      keepalive: method !== 'GET', // what was said is sent, also by somebody who leaves the page
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

const PAGE = 100;

/**
 * Everything of a paginated list, up to `most` rows; `onPage(rows)` is told of each page as it arrives. Where a list
 * shrinks meanwhile, what stood beyond the edge has moved to pages that were read already: those are read again.
 */
export async function all(path, most = 500, onPage = () => {}) {
  const rows = new Map();
  const joiner = path.includes('?') ? '&' : '?';
  const read = async page => {
    const found = await get(`${path}${joiner}page_size=${PAGE}&page=${page}`).catch(error => {
      if (error.status !== 404 || page === 1) throw error;
      return { results: [], count: 0, next: null }; // the page has gone with what has left the list
    });
    for (const row of found.results) rows.set(row.id, row);
    onPage(found.results);
    return found;
  };
  let count = 0;
  for (let page = 1; rows.size < most; page += 1) {
    const found = await read(page);
    const moved = Math.ceil((count - found.count) / PAGE);
    for (let back = Math.max(1, page - moved); back < page; back += 1) await read(back);
    count = found.count;
    if (!found.next) break;
  }
  return [...rows.values()];
}
