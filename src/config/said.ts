import type { Written } from '../model/software.js';

/** A value and the place in a file that decides it. */
export type Said<T> = { readonly value: T; readonly at: Written };
