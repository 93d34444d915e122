import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run build` puts the console beside the program; for work on it: `npx vite ui` with a daemon at its usual address. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { outDir: '../dist/ui', emptyOutDir: true, target: 'es2024', sourcemap: false, chunkSizeWarningLimit: 600 },
  server: { proxy: { '/api': 'http://127.0.0.1:8420' } },
});
