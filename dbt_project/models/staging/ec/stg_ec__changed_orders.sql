-- One row per connection x order.
{{ changed_keys(
    {'ec.orders': source('ec', 'orders'), 'ec.order_lines': source('ec', 'order_lines')}, ['connection', 'order_id'],
    former=contacts()['orders']
) }}
