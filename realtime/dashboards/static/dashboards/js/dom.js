// Elements are made here and nowhere from text: what people wrote can only become text.
export const byId = id => document.getElementById(id);

/** An element; `on…` are listeners, known properties are set, the rest become attributes. False and null are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value == null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes('-') && name !== 'role' && name !== 'list') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child != null && child !== false && child !== ''));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'i');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Figures and numbers keep their order also between right-to-left words. */
export const ltr = text => h('bdi', { dir: 'ltr' }, text);

/** What people wrote: its own direction, never markup. */
export const said = text => h('bdi', { dir: 'auto' }, text ?? '');

/** Put `nodes` into `box` in order, moving only what is out of place, so that focus and selection stay. */
export function sync(box, nodes) {
  const kept = new Set(nodes);
  for (const child of [...box.childNodes]) if (!kept.has(child)) child.remove();
  let here = box.firstChild;
  for (const node of nodes) {
    if (node === here) here = here.nextSibling;
    else box.insertBefore(node, here);
  }
}

const alike = (a, b) => a.tagName === b.tagName && a.className === b.className && a.ariaLabel === b.ariaLabel;

/** Bring `box` to what `fresh` says; children that say the same stay, so that no click, focus or choice is lost. */
export function renew(box, fresh) {
  for (const one of box.querySelectorAll('input')) one.toggleAttribute('checked', one.checked);
  const known = new Set(box.childNodes);
  const take = fits => {
    const found = [...known].find(fits);
    known.delete(found);
    return found;
  };
  const nodes = [...fresh.childNodes].map(one => {
    const same = take(each => each.isEqualNode(one));
    const list = !same && one.matches?.('ul, .times') && take(each => alike(each, one));
    if (list) renew(list, one);
    return same || list || document.adoptNode(one);
  });
  sync(box, nodes);
}

/** On a phone the row of tabs is longer than the screen; the page itself stays where it is. */
export function bringIntoSight(box, one) {
  const [strip, tab] = [box, one].map(each => each.getBoundingClientRect());
  box.scrollBy({ left: Math.min(0, tab.left - strip.left) || Math.max(0, tab.right - strip.right) });
}
