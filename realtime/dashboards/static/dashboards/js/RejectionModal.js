// Refusing a request: a quick reason or one's own words, and who will read them.
import { ask, field } from './dialogs.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { toast } from './messages.js';
import { rejectAppointment } from './scheduling.js';
import { number } from './statuses.js';

const QUICK = [t('Not available'), t('Outside my specialty'), t('Conflict of interest')];
const LONGEST = 2_000;

/** Ask for the reason. What was typed stays when the network fails. Returns the dialog. */
export function openRejectionModal(appointment) {
  const optional = appointment.open || appointment.origin === 'patient';
  const reason = h('textarea', { rows: 3, maxLength: LONGEST, required: !optional });
  const box = field(
    optional ? t('Reason (optional)') : t('Reason'),
    reason,
    appointment.open
      ? t('The request stays open for others; only operators read the reason.')
      : optional
        ? t('The operators and the patient read this.')
        : t('The operators read this and decide. Until then the appointment stays in your list.'),
  );
  const quick = h(
    'fieldset',
    { className: 'field' },
    h('legend', { className: 'legend' }, t('Quick reasons')),
    h(
      'div',
      { className: 'acts' },
      QUICK.map(words =>
        h(
          'button',
          {
            type: 'button',
            className: 'btn',
            onclick: () => {
              reason.value = words;
              reason.focus();
            },
          },
          words,
        ),
      ),
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          onclick: () => {
            reason.value = '';
            reason.focus();
          },
        },
        t('Other'),
      ),
    ),
  );
  return ask({
    title: t('Reject {number}?', { number: number(appointment) }),
    ok: t('Reject'),
    busy: t('Rejecting…'),
    danger: true,
    body: [quick, box],
    submit: async () => {
      const words = reason.value.trim();
      if (!words && !optional) return box.fail(t('Enter a reason'));
      if (await rejectAppointment(appointment.id, words))
        toast(
          appointment.open
            ? t('{number} is hidden from you.', { number: number(appointment) })
            : t('{number} was sent for review.', { number: number(appointment) }),
        );
      return true;
    },
  });
}
