// Without pressing "Show times": the free times follow the day and the therapist.
import { byId, renew } from './dom.js';
import { stayInTouch } from './patientLive.js';

const form = byId('booking');

async function showTimes() {
  const asked = new FormData(form);
  asked.set('show', '1');
  const answer = await fetch(form.action || location.href, {
    method: 'POST',
    body: asked,
    headers: { Accept: 'text/html' },
  });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const inHand = byId('times').contains(document.activeElement);
  renew(byId('times'), fresh.getElementById('times'));
  if (inHand && !byId('times').contains(document.activeElement))
    form.querySelector('[name=time]:checked, [name=time]')?.focus();
}

for (const name of ['date', 'provider_id'])
  form.elements[name]?.addEventListener('change', () => showTimes().catch(() => {}));
stayInTouch(showTimes);
