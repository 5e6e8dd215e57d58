declare module '0x/visualizer' {
  export default function visualizer(trees: object, options: { title: string; visualizeCpuProfile: boolean }): void;
}
