/** Of a line in a log: the day is told beside it. */
export function formatClock(at: string, timezone: string, language: string): string {
  return new Date(at).toLocaleTimeString(language, { timeZone: timezone, hourCycle: 'h23' });
}
