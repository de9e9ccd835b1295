declare module '*.html' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: the only name that a file has
  export default text;
}
