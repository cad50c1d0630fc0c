// Notes of the operating system, a chime, and the card that offers them. Nothing is asked on load, and no name is shown
// unless the person wants names on this screen.
import { now } from './clock.js';
import { byId, h } from './dom.js';
import { t, wallOf } from './i18n.js';
import { preference } from './preferences.js';
import { settings } from './settings.js';

const ASK_AGAIN_MS = 30 * 86_400_000;
// Who may look over one's shoulder depends on the screen: the choice is the person's, for this browser alone.
const NAMES = `names-for-${settings.user?.id}`;

export const namesShown = () => localStorage.getItem(NAMES) === 'yes';
export const showNames = wanted => localStorage.setItem(NAMES, wanted ? 'yes' : 'no');

/** Whether the person's clock stands within their quiet hours. */
export function isQuiet(hours = preference('quiet_hours', ''), time = now()) {
  const [from, until] = hours.split('-');
  if (!until) return false;
  const clock = wallOf(time, settings.own_timezone || settings.timezone).slice(11, 16);
  return from < until ? clock >= from && clock < until : clock >= from || clock < until;
}

/** Tell a person who looks elsewhere; one open page of the browser does it. */
export function notify(event) {
  if (preference('sound', false) && !isQuiet()) inOnePage(`chime-${event.seq}`, chime);
  if (document.hidden && globalThis.Notification?.permission === 'granted')
    inOnePage(`note-${event.seq}`, () => show(event));
}

function inOnePage(name, run) {
  if (!navigator.locks) return run();
  const once = lock => {
    if (!lock) return undefined;
    run();
    return new Promise(done => setTimeout(done, 5_000));
  };
  return navigator.locks.request(name, { ifAvailable: true }, once);
}

function show(event) {
  const note = new Notification(event.title, {
    tag: `appointment-${event.data?.appointment?.id ?? event.type}`,
    body: namesShown() ? event.message : t('Open the page for the details.'),
  });
  note.onclick = () => {
    window.focus();
    if (event.data?.appointment) location.hash = `A-${event.data.appointment.id}`;
  };
}

function chime() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.setValueAtTime(0.08, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + 0.6);
  tone.frequency.value = 880;
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.6);
  tone.onended = () => context.close();
}

/** How to change one's mind, browser by browser. */
function unblocking() {
  const browser = navigator.userAgent;
  if (browser.includes('Firefox/')) return t('To allow them, open the padlock beside the address and clear the block.');
  if (browser.includes('Chrome/'))
    return t('To allow them, open the sign before the address, then the settings of this site.');
  return t('To allow them, open the settings of the browser, then Websites, Notifications.');
}

/** Offer notes once, as a card; "Not now" is heard for thirty days. */
export function offerNotes(box = byId('notices')) {
  if (!globalThis.Notification || Notification.permission !== 'default') return;
  if (Date.now() - Number(localStorage.getItem('notes-refused') ?? 0) < ASK_AGAIN_MS) return;
  const card = h(
    'div',
    { className: 'card offer', id: 'offer-notes' },
    h('p', {}, t('Get told when something arrives?')),
    h(
      'div',
      { className: 'acts' },
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          onclick: async () => {
            const answer = await Notification.requestPermission();
            if (answer === 'denied')
              card.replaceChildren(t('This browser blocks notifications here.'), ' ', unblocking());
            else card.remove();
          },
        },
        t('Turn on notifications'),
      ),
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          onclick: () => {
            localStorage.setItem('notes-refused', String(Date.now()));
            card.remove();
          },
        },
        t('Not now'),
      ),
    ),
  );
  box.after(card);
}
