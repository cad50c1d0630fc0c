// What every page has: theme, clock, preferences, shortcuts' help, menus that close.
import * as clock from './clock.js';
import { ask } from './dialogs.js';
import { namesShown, showNames } from './desktop.js';
import { byId, h, ltr } from './dom.js';
import { at, place, t } from './i18n.js';
import { preference, prefer } from './preferences.js';
import { settings } from './settings.js';

const THEMES = ['auto', 'light', 'dark'];
const root = document.documentElement;

function showTheme(theme) {
  if (theme === 'auto') delete root.dataset.theme;
  else root.dataset.theme = theme;
  const names = { auto: t('Theme: automatic'), light: t('Theme: light'), dark: t('Theme: dark') };
  byId('theme').querySelector('.sr').textContent = names[theme];
  byId('theme').title = names[theme];
}

function startTheme() {
  const stored = () => localStorage.getItem('theme') ?? 'auto';
  let theme = preference('theme', stored());
  if (!THEMES.includes(theme)) theme = 'auto';
  byId('theme').hidden = false;
  byId('theme').addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem('theme', theme);
    showTheme(theme);
    prefer('theme', theme).catch(() => {});
  });
  showTheme(theme);
}

function startClock() {
  const shown = byId('clock');
  if (!shown) return;
  const seconds = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  const time = ltr('');
  shown.append(time);
  clock.onTick(now => {
    time.textContent = `${at(now, settings.timezone, seconds)} ${place(settings.timezone)}`;
  });
}

function startMenus() {
  document.addEventListener('click', event => closeMenus(event.target.closest?.('details.menu')));
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    const open = document.activeElement?.closest?.('details.menu[open]');
    closeMenus(null);
    open?.querySelector('summary').focus();
  });
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== but) menu.open = false;
}

function applyMotion(paused) {
  if (paused) root.dataset.motion = 'off';
  else delete root.dataset.motion;
}

function startPreferences() {
  const box = byId('preferences');
  if (!box) return;
  const tick = (label, checked, choose) =>
    h(
      'label',
      { className: 'check' },
      h('input', { type: 'checkbox', checked, onchange: event => choose(event.target.checked) }),
      label,
    );
  const choice = (name, label, otherwise, apply = () => {}) =>
    tick(label, preference(name, otherwise), chosen => {
      apply(chosen);
      prefer(name, chosen).catch(() => {});
    });
  applyMotion(preference('motion', false));
  box.append(
    choice('motion', t('Pause animations'), false, applyMotion),
    choice('sound', t('Chime when something arrives'), false),
    tick(t('Names in the notifications of this browser'), namesShown(), showNames),
    choice('shortcuts', t('Keyboard shortcuts'), settings.user.role !== 'patient'),
    quietHours(),
  );
}

/** When no reminder is sent and nothing chimes: both times, or none. */
function quietHours() {
  const [from, to] = preference('quiet_hours', '').split('-');
  const time = (value, label) => h('input', { type: 'time', value: value ?? '', 'aria-label': label });
  const [begin, end] = [time(from, t('Quiet from')), time(to, t('Quiet until'))];
  const said = h('p', { className: 'muted sm', role: 'status' });
  const save = async () => {
    if (Boolean(begin.value) !== Boolean(end.value)) return;
    try {
      await prefer('quiet_hours', begin.value && `${begin.value}-${end.value}`);
      said.textContent = begin.value ? t('Saved.') : t('No quiet hours.');
    } catch (error) {
      said.textContent = error.message;
    }
  };
  for (const one of [begin, end]) one.addEventListener('change', save);
  return h(
    'fieldset',
    { className: 'field' },
    h('legend', { className: 'legend' }, t('No reminders and no chime between')),
    h('div', { className: 'quiet' }, begin, h('span', { 'aria-hidden': 'true' }, '–'), end),
    said,
  );
}

const SHORTCUTS = [
  ['?', t('This help')],
  ['/', t('Search')],
  ['g r', t('Pending reviews')],
  ['g t', t('Timeout monitoring')],
  ['g a', t('All appointments')],
  ['g w', t('Waiting list')],
  ['g n', t('Notifications')],
  ['j k', t('Next and previous row')],
  ['Enter', t('Details')],
  ['c', t("I'm on it")],
  ['e', t('Extend 10 min')],
];

/** Show which keys do what. */
export function showShortcuts() {
  const rows = SHORTCUTS.map(([keys, what]) => [
    h(
      'dt',
      {},
      keys.split(' ').map(key => [h('kbd', {}, key), ' ']),
    ),
    h('dd', {}, what),
  ]);
  ask({ title: t('Keyboard shortcuts'), body: h('dl', { className: 'keys' }, rows) });
}

document.addEventListener('keydown', event => {
  const typing = event.target.closest?.('input, textarea, select, dialog[open]');
  if (
    typing ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    !preference('shortcuts', settings.user?.role !== 'patient')
  )
    return;
  if (event.key === '?') {
    event.preventDefault();
    showShortcuts();
  }
  if (event.key === '/' && byId('search')) {
    event.preventDefault();
    byId('search').focus();
  }
});

startTheme();
startClock();
startMenus();
startPreferences();
