/** Between the tabs of one browser, which have one session together. */
const tabs = new BroadcastChannel('holdfast-sign-in');
const wayBackKey = 'holdfast-way-back';
const waitingKey = 'holdfast-waiting';
const waitingMs = 15 * 60_000;

/** Pages that wait for somebody to sign in go on. */
export function tellSignedIn(): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no other origin
  tabs.postMessage(null);
}

/** This page waits, while somebody signs in at the provider in another tab. */
export function keepWaiting(): void {
  localStorage.setItem(waitingKey, String(Date.now()));
}

/** Whether another page waits for whoever arrives here; asked once. */
export function isWaitedFor(): boolean {
  const since = Number(localStorage.getItem(waitingKey) ?? 0);
  localStorage.removeItem(waitingKey);
  return Date.now() - since < waitingMs;
}

/** Returns what ends it. */
export function onSignedInElsewhere(heard: () => void): () => void {
  tabs.addEventListener('message', heard);
  return () => tabs.removeEventListener('message', heard);
}

/** The provider leads back to the first page, whatever one was on. */
export function keepWayBack(): void {
  const { pathname, search } = window.location;
  if (pathname !== '/') sessionStorage.setItem(wayBackKey, pathname + search);
}

export function takeWayBack(): string | null {
  const way = sessionStorage.getItem(wayBackKey);
  sessionStorage.removeItem(wayBackKey);
  return window.location.pathname === '/' ? way : null;
}

/** Why a sign-in at the provider came to nothing, as the address says; told once. Whoever made the address chose the word. */
let refused = new URLSearchParams(window.location.search).get('problem');
if (refused !== null) window.history.replaceState(null, '', window.location.pathname);

export function refusedByProvider(): string | null {
  return refused;
}

export function forgetErrand(): void {
  refused = null;
  localStorage.removeItem(waitingKey);
}
