import { useTranslation } from 'react-i18next';
import { useSession } from '../api/session.ts';
import { formatBytes, formatExact, formatNumber, formatSeconds, formatShort } from './format.ts';

/** Sizes, numbers and times in the language that is shown and the time zone of the installation. */
export function useFormat() {
  const { language } = useTranslation().i18n;
  const { timezone } = useSession();
  return {
    language,
    bytes: (value: number) => formatBytes(value, language),
    number: (value: number) => formatNumber(value, language),
    seconds: (value: number) => formatSeconds(value, language),
    exact: (at: string) => formatExact(new Date(at), timezone, language),
    short: (at: string) => formatShort(new Date(at), timezone, language),
  };
}
