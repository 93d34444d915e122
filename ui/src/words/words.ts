import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { de } from './de.ts';
import { en } from './en.ts';

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];
const kept = 'holdfast-language';

/** The language that was chosen here before, or the browser's, or English. */
export function startWords(): void {
  const chosen = localStorage.getItem(kept) ?? navigator.language.slice(0, 2);
  const lng = languages.find((each) => each === chosen) ?? 'en';
  void i18next.use(initReactI18next).init({
    lng,
    fallbackLng: 'en',
    resources: { en: { translation: en }, de: { translation: de } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  document.documentElement.lang = lng;
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(kept, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
