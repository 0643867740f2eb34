"""Where the application starts on each platform. The only rooms that know one."""
