import { useTranslation } from 'react-i18next';
import { placeIn } from '../words/places.ts';

/** What the server calls a database, a folder or an application, in the language of the reader. */
export function usePlace(): (title: string) => string {
  const { t } = useTranslation();
  return (title) => {
    const place = placeIn(title);
    return place === null ? title : t(`places.${place.key}`, { replace: place.values });
  };
}
