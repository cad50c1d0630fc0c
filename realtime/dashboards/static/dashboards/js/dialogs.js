// Native dialogs: the rest of the page is inert, Esc closes, focus returns.
import { h } from './dom.js';
import { t } from './i18n.js';

let count = 0;

/**
 * Ask. `submit` returns false to keep the dialog open; while it runs, the button says so. Without `ok` it only shows.
 * Returns the element, with `setOk(text)` for the button, `setProblem(text)`, and `lock(text)`: something happened
 * meanwhile, what was typed stays.
 */
export function ask({ title, body, ok, busy, danger = false, submit, wide = false }) {
  count += 1;
  const heading = `dialog-${count}`;
  const problem = h('p', { className: 'notice', role: 'alert', hidden: true });
  const go = ok && h('button', { className: `btn ${danger ? 'danger solid' : 'primary'}` }, ok);
  const back = h(
    'button',
    { type: 'button', className: 'btn', onclick: () => dialog.close() },
    ok ? t('Go back') : t('Close'),
  );
  const form = h(
    'form',
    { method: 'dialog', noValidate: true },
    h('h2', { id: heading }, title),
    body,
    problem,
    h('div', { className: 'acts' }, back, go),
  );
  const dialog = h('dialog', { 'aria-labelledby': heading, className: wide ? 'wide' : '' }, form);
  form.addEventListener('submit', event => {
    event.preventDefault();
    run();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    // What opened it may be gone from the list by now; focus then stays at the list.
    if (document.activeElement === document.body)
      (document.querySelector('#panel[tabindex]') ?? document.getElementById('main')).focus({ preventScroll: true });
  });
  dialog.setProblem = text => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  dialog.setOk = text => {
    ok = text;
    if (!go.getAttribute('aria-disabled')) go.textContent = text;
  };
  dialog.lock = text => {
    dialog.setProblem(text);
    go?.setAttribute('aria-disabled', 'true');
  };
  async function run() {
    if (!go || go.getAttribute('aria-disabled')) return;
    go.setAttribute('aria-disabled', 'true');
    go.textContent = busy ?? t('Working…');
    let done = false;
    try {
      done = (await submit?.(dialog)) !== false;
    } catch (error) {
      dialog.setProblem(error.message);
    }
    go.textContent = ok;
    go.removeAttribute('aria-disabled');
    if (done) dialog.close();
  }
  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector('input:not([type=hidden]), textarea, select') ?? back).focus();
  return dialog;
}

/** A labelled field with a hint and a place for its error. Returns the box; `box.fail(text)` shows the error. */
export function field(label, control, hint) {
  count += 1;
  control.id ||= `field-${count}`;
  const help = hint && h('p', { className: 'muted sm', id: `${control.id}-hint` }, hint);
  const error = h('p', { className: 'err', id: `${control.id}-error`, hidden: true });
  const describe = () => {
    const ids = [help?.id, error.hidden ? null : error.id].filter(Boolean);
    if (ids.length) control.setAttribute('aria-describedby', ids.join(' '));
  };
  const box = h('div', { className: 'field' }, h('label', { htmlFor: control.id }, label), help, error, control);
  box.fail = text => {
    error.textContent = text;
    error.hidden = false;
    control.setAttribute('aria-invalid', 'true');
    describe();
    control.focus();
    return false;
  };
  describe();
  return box;
}
