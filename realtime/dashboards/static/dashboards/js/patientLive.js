// A patient's page in touch with the server: each event is said, then `refresh` brings the page up to date.
import { showConnection } from './connection.js';
import { notify } from './desktop.js';
import { Live } from './live.js';
import { toast } from './messages.js';
import { settings } from './settings.js';

export function stayInTouch(refresh) {
  let timer;
  const live = new Live({
    resync: refresh,
    onState: showConnection,
    onEvent: event => {
      toast(event.message);
      notify(event);
      clearTimeout(timer);
      timer = setTimeout(() => refresh().catch(() => {}), 100);
    },
  });
  live.seq = settings.last_seq;
  live.start();
}
