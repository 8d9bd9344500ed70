import { ScenarioFormatError } from '@vmakit/trace';
import { type VerifyReport, type VerifyRequest, verifyFile } from './verify-file.js';
import type { UnreadableFile } from './verify-files.js';

/** What a worker thread does. */
export async function work(request: VerifyRequest): Promise<VerifyReport | UnreadableFile> {
  try {
    return await verifyFile(request);
  } catch (error) {
    if (!(error instanceof ScenarioFormatError)) throw error;
    const { file, line, expected } = error;
    return { unreadable: { file, line, expected } };
  }
}
