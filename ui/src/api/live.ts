import { createContext, use } from 'react';

/** Whether events arrive at this moment. */
export const LiveContext = createContext(true);

export function useLive(): boolean {
  return use(LiveContext);
}
