const againMs = 2_000;
const onceWithinMs = 60_000;
const memory = 'holdfast-renewed';

/**
 * A file of a page is gone when the program was renewed meanwhile: the page of today knows today's names. Where nothing answers, that would
 * lead to the browser's own page, from which nobody comes back by themselves; so it waits until something does.
 */
export function renewPageWhereFilesAreGone(): void {
  let waiting = false;
  window.addEventListener('vite:preloadError', () => {
    const last = Number(sessionStorage.getItem(memory) ?? 0);
    if (waiting || Date.now() - last < onceWithinMs) return;
    waiting = true;
    void renewOnceAnswered();
  });
}

async function renewOnceAnswered(): Promise<void> {
  while (!(await pageAnswers())) await new Promise((resolve) => setTimeout(resolve, againMs));
  sessionStorage.setItem(memory, String(Date.now()));
  window.location.reload();
}

async function pageAnswers(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD', cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}
