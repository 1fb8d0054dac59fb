-- counted
SELECT w.period, a.person_key, 'All' AS part, count(*) AS discharges,
       sum(CASE WHEN a.end_date > a.ready_date THEN 1 ELSE 0 END) AS delayed,
       sum(CASE WHEN a.end_date > a.ready_date THEN a.end_date - a.ready_date ELSE 0 END) AS days
FROM measure_period AS w
JOIN measure_admission AS a ON a.end_date BETWEEN w.first_day AND w.last_day AND a.ready_date >= a.start_date
JOIN measure_person AS p ON p.person_key = a.person_key
CROSS JOIN setting AS s
WHERE CAST(extract(year FROM a.end_date) * 10000 + extract(month FROM a.end_date) * 100
    + extract(day FROM a.end_date) AS INTEGER) - p.born >= s.min_age * 10000
GROUP BY w.period, a.person_key;

-- left out
SELECT w.period, a.person_key,
       CASE WHEN p.born IS NULL THEN 'no date of birth'
            WHEN a.ready_date IS NULL THEN 'a discharge without a ready date'
            ELSE 'a ready date before the admission' END AS reason
FROM measure_period AS w
JOIN measure_admission AS a ON a.end_date BETWEEN w.first_day AND w.last_day
JOIN measure_person AS p ON p.person_key = a.person_key
WHERE p.born IS NULL OR a.ready_date IS NULL OR a.ready_date < a.start_date;
