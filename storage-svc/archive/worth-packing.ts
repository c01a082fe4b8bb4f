/** Which contents become smaller when they are packed: what is packed already does not. */

const PACKED =
  /^(?:image\/(?!svg|bmp|x-icon|tiff|vnd)|video\/|audio\/(?!wav|midi)|font\/woff|application\/(?:zip|gzip|java-archive|epub\+zip|pdf|vnd\.(?:openxmlformats-|oasis\.opendocument|android\.|apache\.parquet|google-earth\.kmz)|x-(?:7z|bzip2|xz|rar)|zstd))/;

export const isWorthPacking = (contentType: string): boolean => !PACKED.test(contentType);
