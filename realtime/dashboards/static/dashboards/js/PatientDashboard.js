// Keeps the server's page fresh: what an event changes is fetched as the same page, and its list is put in place.
import { credentials } from './api.js';
import { now } from './clock.js';
import { offerNotes } from './desktop.js';
import { bringIntoSight, byId, renew } from './dom.js';
import { paintHeld } from './held.js';
import { stayInTouch } from './patientLive.js';

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html', ...credentials } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const focused = document.activeElement?.getAttribute('aria-label');
  // Each answer masks the token anew; the page's own serves as long.
  const token = document.querySelector('[name=csrfmiddlewaretoken]')?.value;
  if (token) for (const one of fresh.getElementsByName('csrfmiddlewaretoken')) one.setAttribute('value', token);
  const time = now();
  for (const page of [document, fresh]) paintHeld(page, time);
  for (const id of ['panel', 'bell']) renew(byId(id), fresh.getElementById(id));
  if (focused && document.activeElement === document.body)
    document.querySelector(`#panel [aria-label="${CSS.escape(focused)}"]`)?.focus();
}

const views = document.querySelector('nav.tabs');
bringIntoSight(views, views.querySelector('[aria-current]'));
stayInTouch(refresh);
offerNotes();
