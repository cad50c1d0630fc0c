// Notes of the operating system, a chime, and the card that offers them. Nothing is asked on load, no name is shown.
import { byId, h } from './dom.js';
import { t } from './i18n.js';
import { preference } from './preferences.js';

const ASK_AGAIN_MS = 30 * 86_400_000;

/** Tell a person who looks elsewhere; one open page of the browser does it. */
export function notify(event) {
  if (preference('sound', false)) chime();
  if (!document.hidden || globalThis.Notification?.permission !== 'granted') return;
  const show = () => {
    const note = new Notification(event.title, {
      tag: `appointment-${event.data?.appointment?.id ?? event.type}`,
      body: t('Open the page for the details.'),
    });
    note.onclick = () => {
      window.focus();
      if (event.data?.appointment) location.hash = `A-${event.data.appointment.id}`;
    };
  };
  if (navigator.locks)
    navigator.locks.request(
      `note-${event.seq}`,
      { ifAvailable: true },
      lock =>
        lock &&
        new Promise(done => {
          show();
          setTimeout(done, 5_000);
        }),
    );
  else show();
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
              card.replaceChildren(
                t('This browser blocks notifications here. Its settings for this site can allow them.'),
              );
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
