export type DownloadProgress = {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds?: number;
};

/** One pinned file: any of the URLs will do, as long as the bytes hash right. */
export type DownloadRequest = {
  readonly urls: readonly string[];
  readonly sha256: string;
  readonly sizeBytes?: number;
  /** Final path; appears only when complete and verified. */
  readonly path: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
};
