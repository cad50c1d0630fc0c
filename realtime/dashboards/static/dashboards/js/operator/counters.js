// The counters over the tabs: each leads to its group, and of the deadlines leaves it alone.
import { byId, h } from '../dom.js';
import { t } from '../i18n.js';
import { button, remembering } from '../rows.js';
import { settings } from '../settings.js';
import { glyph, TIMED } from '../statuses.js';

const COUNTERS = [
  ['overdue', t('Overdue'), 'timeouts'],
  ['due', t('Due within {n} minutes', { n: settings.warning_minutes }), 'timeouts'],
  ['rejected', t('To review'), 'reviews'],
  ['awaiting', t('Awaiting response'), 'timeouts'],
];

/** The one group of deadlines that the address asks for, if any. */
export function phaseInAddress() {
  const named = new URLSearchParams(location.search).get('phase');
  return TIMED.includes(named) ? named : null;
}

const counter = ([key, words, tab], goTo) =>
  h(
    'li',
    {},
    h(
      'button',
      {
        type: 'button',
        className: 'counter',
        'data-testid': `counter-${key}`,
        onclick: () => goTo(tab, TIMED.includes(key) && phaseInAddress() !== key ? key : null),
      },
      glyph(key),
      h('b'),
      h('span', {}, words),
    ),
  );

/** Show how many appointments `found` has in each phase; `only` is the one shown alone. `goTo(tab, phase)` opens it. */
export function paintCounters(found, only, goTo) {
  const box = byId('counters');
  if (!box.children.length) box.replaceChildren(...COUNTERS.map(one => counter(one, goTo)));
  COUNTERS.forEach(([key], index) => {
    const shown = box.children[index].firstChild;
    shown.setAttribute('aria-pressed', String(only === key));
    shown.querySelector('b').textContent = found[key].length;
  });
}

const remembered = remembering();

/** Which group is shown alone, with the way back to all. */
export function onlyOne(phase, goTo) {
  return remembered('back', phase, () => {
    const [, name] = COUNTERS.find(([key]) => key === phase);
    const back = button(`${name} ×`, () => goTo('timeouts'));
    back.setAttribute('aria-label', t('Only {name}: show all', { name }));
    return h('div', { className: 'acts' }, back);
  });
}
