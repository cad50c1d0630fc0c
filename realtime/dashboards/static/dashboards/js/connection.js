// The pill and the banner: how the page is in touch with the server. A short interruption says nothing.
import { byId, h } from './dom.js';
import { at, t } from './i18n.js';
import { settings } from './settings.js';

const QUIET_MS = 1_500;
const PILLS = {
  live: t('Live'),
  connecting: t('Reconnecting'),
  polling: t('Every 10 s'),
  unreachable: t('Unreachable'),
  offline: t('Offline'),
  'signed-out': t('Signed out'),
};
let waiting;

function banner(state, contact) {
  const time = at(contact, settings.timezone);
  const signIn = h(
    'a',
    { href: `/login/?next=${encodeURIComponent(location.pathname + location.search)}` },
    t('Sign in'),
  );
  return {
    connecting: [t('Live updates stopped. Reconnecting… Countdowns keep running.')],
    polling: [t('Live updates are off. Refreshing every 10 seconds; actions still work.')],
    unreachable: [t("Can't reach the server. Last updated {time}.", { time })],
    offline: [t("You're offline. Last updated {time}.", { time })],
    'signed-out': [t('Your session ended.'), ' ', signIn],
  }[state];
}

function show(state, contact) {
  const pill = byId('connection');
  pill.dataset.state = state;
  pill.querySelector('span').textContent = PILLS[state];
  document.documentElement.dataset.connection = state;
  const words = banner(state, contact);
  byId('banner').hidden = !words;
  byId('banner').replaceChildren(...(words ?? []));
}

/** Show a state of the connection. */
export function showConnection(state, contact) {
  clearTimeout(waiting);
  if (state === 'connecting') waiting = setTimeout(show, QUIET_MS, state, contact);
  else show(state, contact);
}
