declare module 'autocannon' {
  export default function autocannon(options: {
    url: string;
    connections: number;
    overallRate: number;
    duration: number;
  }): Promise<{ latency: { p50: number; p99: number } }>;
}
