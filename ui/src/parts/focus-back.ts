/** What had the focus on the page itself: not in a menu or a dialog, which go. */
let last: HTMLElement | null = null;

/** The way back takes a moment by itself, where there is one. */
const afterMs = 60;

/** Remembers where somebody is on the page. */
export function watchFocus(): () => void {
  const remember = ({ target }: FocusEvent) => {
    if (target instanceof HTMLElement && target.closest('[role=menu], [role=dialog]') === null) last = target;
  };
  document.addEventListener('focusin', remember);
  return () => document.removeEventListener('focusin', remember);
}

/** After a dialog, for whoever goes by keyboard: where they came from, or at least not to the beginning of the page. */
export function focusBack(): void {
  setTimeout(() => {
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    const target = last?.isConnected && !last.matches(':disabled') ? last : document.getElementById('content');
    target?.focus({ preventScroll: true });
  }, afterMs);
}
