import type { Channel } from '../../notify/channel.ts';

const usualMs = 90_000;
/** So that the channel itself is the first to say that nobody answers. */
const graceMs = 5000;

/** After this one delivery, which may take several requests, is given up. What a channel was told to wait is waited. */
export function deliveryMs({ timeoutMs }: Pick<Channel, 'timeoutMs'>): number {
  return Math.max(usualMs, timeoutMs + graceMs);
}
