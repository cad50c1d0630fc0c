// Keeps the server's page fresh: what an event changes is fetched as the same page, and its list is put in place.
import { credentials } from './api.js';
import { offerNotes } from './desktop.js';
import { byId } from './dom.js';
import { paintHeld } from './held.js';
import { stayInTouch } from './patientLive.js';

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html', ...credentials } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const focused = document.activeElement?.getAttribute('aria-label');
  for (const id of ['panel', 'bell']) byId(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
  paintHeld();
  if (focused) document.querySelector(`#panel [aria-label="${CSS.escape(focused)}"]`)?.focus();
}

stayInTouch(refresh);
offerNotes();
