/** Public files that are asked for again and again: bounded in bytes, the least used leaves first. */
import { HOT_FILE_ADDRESSES_MAX, HOT_FILE_FRESH_MS, HOT_FILE_SHARE } from '#common/bounds.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { KeptFile } from './kept-file.ts';

export class HotFiles {
  readonly #bytesMax: number;
  /** In the order of their last look: the least used first. */
  readonly #files = new Map<string, { readonly file: KeptFile; bytes: number }>();
  readonly #byAddress = new Map<string, KeptFile>();
  /** How often each service was written to through this router, by its name in lower case. */
  readonly #generations = new Map<string, number>();
  #bytes = 0;

  /** @param bytesMax  of all together; 0: nothing is kept */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of a file that is not too large to be kept. */
  get fileBytesMax(): number {
    return Math.floor(this.#bytesMax / HOT_FILE_SHARE);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whatever is kept of this service is looked at before it is sent again. */
  written(serviceName: string): void {
    const name = serviceName.toLowerCase();
    this.#generations.set(name, this.generationOf(name) + 1);
  }

  generationOf(serviceName: string): number {
    return this.#generations.get(serviceName.toLowerCase()) ?? 0;
  }

  /** As it stood in the request. */
  at(address: string): KeptFile | undefined {
    return this.#byAddress.get(address);
  }

  find(service: Service, path: string): KeptFile | undefined {
    const file = this.#files.get(keyOf(service, path))?.file;
    return file?.service === service ? file : undefined;
  }

  isFresh(file: KeptFile, now: number): boolean {
    return now < file.freshUntil && file.generation === this.#generations.get(file.service.name.toLowerCase());
  }

  /** @param generation  of its service when the storage was asked */
  looked(file: KeptFile, generation: number): void {
    const { name } = file.service;
    this.#generations.set(name.toLowerCase(), this.generationOf(name));
    file.generation = generation;
    file.freshUntil = Date.now() + HOT_FILE_FRESH_MS;
    const key = keyOf(file.service, file.plain.entry.path);
    const kept = this.#files.get(key);
    if (kept?.file !== file) return;
    this.#files.delete(key);
    this.#files.set(key, kept);
  }

  keep(file: KeptFile): void {
    const key = keyOf(file.service, file.plain.entry.path);
    this.#forget(key);
    this.#files.set(key, { file, bytes: file.bytes });
    this.#bytes += file.bytes;
    this.#makeRoom();
  }

  /** It has grown by another coding. */
  grown(file: KeptFile): void {
    const kept = this.#files.get(keyOf(file.service, file.plain.entry.path));
    if (kept?.file !== file) return;
    this.#bytes += file.bytes - kept.bytes;
    kept.bytes = file.bytes;
    this.#makeRoom();
  }

  /** From now on this address finds it at once. */
  addressed(file: KeptFile, address: string): void {
    if (file.addresses.length >= HOT_FILE_ADDRESSES_MAX || this.#byAddress.get(address) === file) return;
    const key = keyOf(file.service, file.plain.entry.path);
    if (this.#files.get(key)?.file !== file) return;
    file.addresses.push(address);
    this.#byAddress.set(address, file);
  }

  forget(file: KeptFile): void {
    const key = keyOf(file.service, file.plain.entry.path);
    if (this.#files.get(key)?.file === file) this.#forget(key);
  }

  #makeRoom(): void {
    for (const key of this.#files.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    const kept = this.#files.get(key);
    if (!kept) return;
    this.#files.delete(key);
    this.#bytes -= kept.bytes;
    const { file } = kept;
    for (const address of file.addresses) if (this.#byAddress.get(address) === file) this.#byAddress.delete(address);
  }
}

const keyOf = ({ id }: Service, path: string): string => `${id}/${path}`;
