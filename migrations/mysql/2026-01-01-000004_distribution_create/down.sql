DROP TABLE distribution_center_staff;
DROP TABLE distribution_centers;
