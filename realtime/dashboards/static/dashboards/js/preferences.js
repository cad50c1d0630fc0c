// What a person has chosen about the page. It is kept with the account, so that it follows them.
import { get, patch } from './api.js';
import { settings } from './settings.js';

const chosen = { ...settings.preferences };

export const preference = (name, otherwise) => chosen[name] ?? otherwise;

let saving = Promise.resolve();

/** Change one and keep it; other pages' preferences stay as they are on the server. One is saved after the other. */
export function prefer(name, value) {
  chosen[name] = value;
  if (!settings.user) return Promise.resolve();
  saving = saving.catch(() => {}).then(async () => {
    const me = await get('/api/auth/me/');
    await patch('/api/auth/me/', { preferences: { ...me.preferences, [name]: chosen[name] } });
  });
  return saving;
}
