// Tabs by the ARIA pattern: arrows (mirrored from right to left), Home and End.
import { bringIntoSight, h } from './dom.js';
import { isRtl } from './i18n.js';

/** Fill `box`. `entries` are [key, text]; returns `show(key, counts)`. */
export function tabs(box, panel, entries, choose) {
  const buttons = new Map(
    entries.map(([key, text]) => {
      const count = h('span', { className: 'count', hidden: true });
      const one = h(
        'button',
        { type: 'button', role: 'tab', id: `tab-${key}`, 'aria-controls': panel.id, onclick: () => choose(key) },
        text,
        count,
      );
      return [key, one];
    }),
  );
  box.replaceChildren(...buttons.values());
  box.addEventListener('keydown', event => {
    const keys = entries.map(([key]) => key);
    const here = keys.indexOf(document.activeElement?.id.replace('tab-', ''));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let next = null;
    if (step) next = keys.at((here + (isRtl() ? -step : step)) % keys.length);
    if (event.key === 'Home') next = keys[0];
    if (event.key === 'End') next = keys.at(-1);
    if (!next || here < 0) return;
    event.preventDefault();
    choose(next);
    buttons.get(next).focus();
  });
  let shown = null;
  let left = 0;
  return (current, counts = {}) => {
    for (const [key, one] of buttons) {
      one.setAttribute('aria-selected', String(key === current));
      one.tabIndex = key === current ? 0 : -1;
      one.lastChild.hidden = !counts[key];
      one.lastChild.textContent = counts[key] ?? '';
    }
    panel.setAttribute('aria-labelledby', `tab-${current}`);
    // Counts make the row longer; who has moved it meanwhile is looking for another tab.
    if (shown === current && box.scrollLeft !== left) return;
    bringIntoSight(box, buttons.get(current));
    shown = current;
    left = box.scrollLeft;
  };
}
