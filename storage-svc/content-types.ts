/** Content types by the ends of names, for storages that keep none. */
import { nameOf } from '#common/files/path.ts';
import type { StoredEntry } from './backend.ts';

export const UNKNOWN_TYPE = 'application/octet-stream';

/** Type → ends of names. */
const TYPES: Readonly<Record<string, string>> = {
  'application/epub+zip': 'epub',
  'application/geo+json': 'geojson',
  'application/gzip': 'gz gzip tgz',
  'application/java-archive': 'jar war',
  'application/json': 'json map',
  'application/ld+json': 'jsonld',
  'application/manifest+json': 'webmanifest',
  'application/msword': 'doc dot',
  'application/pdf': 'pdf',
  'application/pgp-signature': 'asc sig',
  'application/postscript': 'ai eps ps',
  'application/rtf': 'rtf',
  'application/sql': 'sql',
  'application/vnd.android.package-archive': 'apk',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.google-earth.kml+xml': 'kml',
  'application/vnd.google-earth.kmz': 'kmz',
  'application/vnd.ms-excel': 'xls xlt',
  'application/vnd.ms-fontobject': 'eot',
  'application/vnd.ms-outlook': 'msg',
  'application/vnd.ms-powerpoint': 'ppt pps pot',
  'application/vnd.oasis.opendocument.presentation': 'odp',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.sqlite3': 'sqlite sqlite3',
  'application/vnd.visio': 'vsd',
  'application/wasm': 'wasm',
  'application/x-7z-compressed': '7z',
  'application/x-bzip2': 'bz2',
  'application/x-iso9660-image': 'iso',
  'application/x-ndjson': 'ndjson jsonl',
  'application/x-pem-file': 'pem',
  'application/x-sh': 'sh',
  'application/x-tar': 'tar',
  'application/x-xz': 'xz',
  'application/xhtml+xml': 'xhtml xht',
  'application/xml': 'xml xsl xsd',
  'application/yaml': 'yaml yml',
  'application/zip': 'zip dfpkg',
  'application/zstd': 'zst',
  'audio/aac': 'aac',
  'audio/flac': 'flac',
  'audio/midi': 'mid midi',
  'audio/mp4': 'm4a',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'oga ogg opus',
  'audio/wav': 'wav',
  'audio/webm': 'weba',
  'font/collection': 'ttc',
  'font/otf': 'otf',
  'font/ttf': 'ttf',
  'font/woff': 'woff',
  'font/woff2': 'woff2',
  'image/avif': 'avif',
  'image/bmp': 'bmp',
  'image/gif': 'gif',
  'image/heic': 'heic',
  'image/jpeg': 'jpg jpeg jpe',
  'image/jxl': 'jxl',
  'image/png': 'png',
  'image/svg+xml': 'svg svgz',
  'image/tiff': 'tif tiff',
  'image/vnd.adobe.photoshop': 'psd',
  'image/webp': 'webp',
  'image/x-icon': 'ico cur',
  'message/rfc822': 'eml',
  'model/gltf+json': 'gltf',
  'model/gltf-binary': 'glb',
  'text/calendar': 'ics',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/html': 'html htm shtml',
  'text/javascript': 'js mjs cjs',
  'text/markdown': 'md markdown',
  'text/plain':
    'txt text log conf ini cfg env properties c h cc cpp hpp cs go java kt php py rb rs ts tsx jsx vue lua pl',
  'text/tab-separated-values': 'tsv',
  'text/vcard': 'vcf',
  'text/vtt': 'vtt',
  'text/x-scss': 'scss sass',
  'video/mp2t': 'm2ts',
  'video/mp4': 'mp4 m4v',
  'video/mpeg': 'mpg mpeg',
  'video/ogg': 'ogv',
  'video/quicktime': 'mov qt',
  'video/webm': 'webm',
  'video/x-matroska': 'mkv',
  'video/x-msvideo': 'avi',
  'video/x-ms-wmv': 'wmv',
};

const BY_END: ReadonlyMap<string, string> = new Map(
  Object.entries(TYPES).flatMap(([type, ends]) => ends.split(' ').map((end): [string, string] => [end, type])),
);

/** Without a charset: that is for whoever knows the bytes. */
export function contentTypeOf(path: string): string {
  const name = nameOf(path);
  const at = name.lastIndexOf('.');
  return (at >= 0 ? BY_END.get(name.slice(at + 1).toLowerCase()) : undefined) ?? UNKNOWN_TYPE;
}

/** The entry, its type told from its name where the storage knows none. */
export const withType = (entry: StoredEntry): StoredEntry =>
  entry.isFolder || entry.contentType !== undefined ? entry : { ...entry, contentType: contentTypeOf(entry.path) };
