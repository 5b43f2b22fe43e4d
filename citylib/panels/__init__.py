"""What dashboards are put together from: pictures made without a kernel, and widgets."""
