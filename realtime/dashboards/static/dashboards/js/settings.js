// What the server wrote into the page about its reader.
export const settings = JSON.parse(document.getElementById('page-settings').textContent);
