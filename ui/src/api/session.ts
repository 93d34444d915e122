import { createContext, use } from 'react';
import type { z } from 'zod';
import type { sessionView } from '../../../src/api/contract.ts';

export type Session = z.output<typeof sessionView>;

export const SessionContext = createContext<Session | null>(null);

/** Who is signed in; only below the entrance. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('nobody is signed in here');
  return session;
}

export function useMay(action: Session['actions'][number]): boolean {
  return useSession().actions.includes(action);
}
