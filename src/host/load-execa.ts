import type * as Execa from 'execa';

/**
 * Loads execa when the first program is to be run: its hundred modules take as long as all the rest of a command that
 * runs none, such as `inject`.
 */
export async function loadExeca(): Promise<typeof Execa> {
  return import('execa');
}
