"""The same jobs by different queues, each in processes of its own: see `benchmarks.jobs.side`."""
